import type { UpstreamCall } from './api-client.ts';
import type { JsonHttp } from './http.ts';

/** Reports the calls of those who keep no count of their own, by the path that they are made to. */
export function observeHttp(http: JsonHttp, onCall: (call: UpstreamCall) => void): JsonHttp {
  return {
    async post(url, body, headers, signal) {
      const startedAt = performance.now();
      let status = 0;
      try {
        const answer = await http.post(url, body, headers, signal);
        status = answer.status;
        return answer;
      } finally {
        onCall({ endpoint: new URL(url).pathname, status, ms: Math.round(performance.now() - startedAt) });
      }
    },
  };
}
