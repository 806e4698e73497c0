/** Counts of one endpoint: a path of the API, or `storage`. */
export interface EndpointCalls {
  calls: number;
  /** Answered ones by status; `none` counts those whose connection ended without an answer. */
  byStatus: Record<string, number>;
  /** Refused because they came faster than the service allows. */
  overLimit: number;
}

export interface Bodies {
  /** Being sent now. */
  open: number;
  peakOpen: number;
  /** The same over open links alone, which the service counts. */
  counted: number;
  peakCounted: number;
  /** Refused because too many were open. */
  refused: number;
  /** Of bodies that have ended, headers included. */
  bytesSent: number;
}

export interface CallsSnapshot {
  readonly total: number;
  readonly overLimit: number;
  readonly endpoints: Readonly<Record<string, Readonly<EndpointCalls>>>;
  readonly bodies: Readonly<Bodies>;
}

/** What the emulator was asked since the last reset. */
export class Calls {
  #endpoints = new Map<string, EndpointCalls>();
  readonly #bodies: Bodies = { open: 0, peakOpen: 0, counted: 0, peakCounted: 0, refused: 0, bytesSent: 0 };

  /** How many calls an endpoint got, or all endpoints of the API together. */
  count(endpoint?: string): number {
    if (endpoint !== undefined) return this.#endpoints.get(endpoint)?.calls ?? 0;
    return this.snapshot().total;
  }

  get bodies(): Readonly<Bodies> {
    return this.#bodies;
  }

  snapshot(): CallsSnapshot {
    const api = [...this.#endpoints].filter(([endpoint]) => endpoint.startsWith('/')).map(([, counts]) => counts);
    return {
      total: api.reduce((sum, counts) => sum + counts.calls, 0),
      overLimit: api.reduce((sum, counts) => sum + counts.overLimit, 0),
      endpoints: Object.fromEntries(
        [...this.#endpoints].map(([endpoint, counts]) => [endpoint, { ...counts, byStatus: { ...counts.byStatus } }]),
      ),
      bodies: { ...this.#bodies },
    };
  }

  /** Forgets all counts but those of bodies still open. */
  reset(): void {
    this.#endpoints = new Map();
    const { open, counted } = this.#bodies;
    Object.assign(this.#bodies, { peakOpen: open, peakCounted: counted, refused: 0, bytesSent: 0 });
  }

  /** @returns what to call with the status, or with `none`, when the call has ended. */
  begin(endpoint: string): (status: number | 'none') => void {
    const counts = this.#of(endpoint);
    counts.calls += 1;
    return (status) => {
      counts.byStatus[status] = (counts.byStatus[status] ?? 0) + 1;
    };
  }

  overLimit(endpoint: string): void {
    this.#of(endpoint).overLimit += 1;
  }

  openBody(counted: boolean): void {
    const bodies = this.#bodies;
    bodies.open += 1;
    bodies.peakOpen = Math.max(bodies.peakOpen, bodies.open);
    if (!counted) return;
    bodies.counted += 1;
    bodies.peakCounted = Math.max(bodies.peakCounted, bodies.counted);
  }

  closeBody(counted: boolean, bytesSent: number): void {
    this.#bodies.bytesSent += bytesSent;
    this.#bodies.open -= 1;
    if (counted) this.#bodies.counted -= 1;
  }

  refuseBody(): void {
    this.#bodies.refused += 1;
  }

  #of(endpoint: string): EndpointCalls {
    let counts = this.#endpoints.get(endpoint);
    if (!counts) {
      counts = { calls: 0, byStatus: {}, overLimit: 0 };
      this.#endpoints.set(endpoint, counts);
    }
    return counts;
  }
}
