import type { ServerResponse } from 'node:http';
import { formatHref } from '../drive/path.ts';
import { MULTISTATUS_END, MULTISTATUS_START, MULTISTATUS_TYPE } from './multistatus.ts';
import type { LockedMembersError } from './preconditions.ts';

/** A folder stays because of what is locked in it: 207 with the reason for each such member (RFC 4918 §9.6.1, §9.9.3). */
export function sendLockedMembers(response: ServerResponse, { members }: LockedMembersError): void {
  const responses = members.map(
    (path) =>
      `<D:response><D:href>${formatHref(path)}</D:href><D:status>HTTP/1.1 423 Locked</D:status>` +
      '<D:error><D:lock-token-submitted/></D:error></D:response>\n',
  );
  const xml = MULTISTATUS_START + responses.join('') + MULTISTATUS_END;
  response.writeHead(207, { 'Content-Type': MULTISTATUS_TYPE, 'Content-Length': Buffer.byteLength(xml) });
  response.end(xml);
}
