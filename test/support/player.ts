import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, startDaemon } from './daemon.ts';

/** How a film went on after it was opened, or sought in. */
export interface Playback {
  /** Until the first picture. */
  readonly firstFrameMs: number;
  /** Until it has begun to play for good: players start with the first picture and may then wait for more to come. */
  readonly resumedMs: number;
  /** From then on, over `PLAY_MS`: how often and how long it waited. */
  readonly waits: number;
  readonly waitedMs: number;
  /** The film's seconds that were shown in a second. */
  readonly speed: number;
}

/** So long without waiting, and it has begun for good. */
const SETTLED_MS = 2_000;
const PLAY_MS = 4_000;
const PATIENCE_MS = 40_000;
/** As people start it, but for the screen and the loudspeakers, which are nobody's; it plays in real time all the same. */
const FLAGS = ['--no-config', '--no-terminal', '--idle', '--vo=null', '--ao=null', '--ytdl=no'];

interface Message {
  readonly event?: string;
  readonly reason?: string;
  readonly name?: string;
  readonly data?: unknown;
  readonly request_id?: number;
  readonly error?: string;
}

/** mpv, told what to do over its socket. */
export class Player {
  readonly #daemon: Daemon;
  readonly #socket: Socket;
  readonly #answers = new Map<number, (answer: Message) => void>();
  #lastId = 0;
  /** Pictures shown after `loadfile` or `seek`, and why the film ended. */
  #restarts = 0;
  #endReason: string | undefined;
  /** Since when it has played without a break; undefined while it waits for data. */
  #playingSince: number | undefined;
  #waitingSince = 0;
  #waits = 0;
  #waitedMs = 0;

  private constructor(daemon: Daemon, socket: Socket) {
    this.#daemon = daemon;
    this.#socket = socket;
    createInterface({ input: socket }).on('line', (line) => this.#hear(JSON.parse(line)));
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#endReason = 'it is gone';
      for (const answer of this.#answers.values()) answer({ error: this.#endReason });
    });
  }

  /** @param folder for its socket */
  static async start(folder: string): Promise<Player> {
    const path = `${folder}/mpv`;
    const daemon = startDaemon('mpv', [...FLAGS, `--input-ipc-server=${path}`], {});
    const givenUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const socket = connect(path);
      const isConnected = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      if (isConnected) {
        const player = new Player(daemon, socket);
        await player.#ask('observe_property', 1, 'core-idle');
        return player;
      }
      if (performance.now() > givenUpAt) break;
      await sleep(50);
    }
    await daemon.stop();
    throw new Error('mpv does not listen.');
  }

  open(film: string): Promise<Playback> {
    return this.#watch('loadfile', film);
  }

  seek(percent: number): Promise<Playback> {
    return this.#watch('seek', percent, 'absolute-percent');
  }

  async stop(): Promise<void> {
    this.#socket.destroy();
    await this.#daemon.stop();
  }

  async #watch(...command: readonly (string | number)[]): Promise<Playback> {
    const startedAt = performance.now();
    const restarts = this.#restarts;
    await this.#ask(...command);
    await this.#until(() => this.#restarts > restarts, startedAt, 'shows no picture');
    const firstFrameMs = performance.now() - startedAt;
    await this.#until(() => this.#playsFor(SETTLED_MS), startedAt, 'does not go on');
    const resumedMs = (this.#playingSince ?? 0) - startedAt;
    this.#waits = 0;
    this.#waitedMs = 0;
    const begunAt = performance.now();
    const from = await this.#ask('get_property', 'time-pos');
    await sleep(PLAY_MS);
    const to = await this.#ask('get_property', 'time-pos');
    const seconds = (performance.now() - begunAt) / 1000;
    const stillMs = this.#playingSince === undefined ? performance.now() - this.#waitingSince : 0;
    return {
      firstFrameMs,
      resumedMs,
      waits: this.#waits,
      waitedMs: this.#waitedMs + stillMs,
      speed: (Number(to) - Number(from)) / seconds,
    };
  }

  #playsFor(ms: number): boolean {
    return this.#playingSince !== undefined && performance.now() - this.#playingSince >= ms;
  }

  async #until(isReached: () => boolean, startedAt: number, complaint: string): Promise<void> {
    while (!isReached()) {
      if (this.#endReason !== undefined) throw new Error(`mpv ended the film: ${this.#endReason}.`);
      if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`mpv ${complaint}.`);
      await sleep(20);
    }
  }

  async #ask(...command: readonly (string | number)[]): Promise<unknown> {
    const id = ++this.#lastId;
    const answered = new Promise<Message>((resolve) => this.#answers.set(id, resolve));
    this.#socket.write(`${JSON.stringify({ command, request_id: id })}\n`);
    const { error, data } = await answered;
    if (error !== 'success') throw new Error(`mpv, asked for ${command.join(' ')}: ${error}`);
    return data;
  }

  #hear({ event, reason, name, data, request_id: id = 0, error }: Message): void {
    if (event === 'playback-restart') {
      this.#restarts++;
      if (this.#playingSince !== undefined) this.#playingSince = performance.now();
    }
    if (event === 'end-file') this.#endReason = reason ?? 'no reason';
    if (event === 'property-change' && name === 'core-idle') this.#note(data !== false);
    if (error !== undefined) this.#answers.get(id)?.({ error, data });
    this.#answers.delete(id);
  }

  #note(isIdle: boolean): void {
    const now = performance.now();
    if (isIdle && this.#playingSince !== undefined) {
      this.#playingSince = undefined;
      this.#waitingSince = now;
      this.#waits++;
    } else if (!isIdle && this.#playingSince === undefined) {
      this.#playingSince = now;
      this.#waitedMs += now - this.#waitingSince;
    }
  }
}
