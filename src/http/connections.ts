import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Which connections are open, and what is being answered on each: node:http tells neither. */
export interface Connections {
  /** Counts the response to its connection until it is over. */
  add(response: ServerResponse): void;
  /** The responses of a connection that are not over, the oldest first. */
  answersOn(socket: Duplex): readonly ServerResponse[];
  /** Closes every connection that is not in the middle of an answer, and the others as their answers end. */
  drain(): void;
  destroyAll(): void;
}

/** @param event `secureConnection` on a TLS server, whose raw sockets never carry a request. */
export function trackConnections(server: Server, event: 'connection' | 'secureConnection'): Connections {
  const sockets = new Set<Socket>();
  const answers = new Map<Duplex, Set<ServerResponse>>();
  let isDraining = false;

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on(event, (socket: Socket) => {
    // Its handshake was under way when the closing began.
    if (isDraining) socket.destroy();
    answers.set(socket, new Set());
    socket.once('close', () => answers.delete(socket));
  });

  return {
    add(response) {
      const { socket } = response.req;
      answers.get(socket)?.add(response);
      if (isDraining) response.setHeader('Connection', 'close');
      response.once('close', () => {
        const left = answers.get(socket);
        left?.delete(response);
        if (isDraining && left?.size === 0) socket.destroySoon();
      });
    },
    answersOn: (socket) => [...(answers.get(socket) ?? [])],
    drain() {
      isDraining = true;
      for (const [socket, responses] of answers) {
        if (responses.size === 0) socket.destroy();
        for (const response of responses) if (!response.headersSent) response.setHeader('Connection', 'close');
      }
    },
    destroyAll() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
