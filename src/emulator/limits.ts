import type { Settings } from './settings.ts';

/** The classes that the service counts apart, for each user and application. */
export type RateClass = 'list' | 'link' | 'token' | 'rest';

interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Documented for the open API. For the web API no number is published: these are milder, as reports are. */
const RATES: Readonly<Record<'web' | 'open', Readonly<Record<RateClass, Rate>>>> = {
  open: {
    list: { perSecond: 4, burst: 4 },
    link: { perSecond: 1, burst: 1 },
    token: { perSecond: 1, burst: 3 },
    rest: { perSecond: 15, burst: 15 },
  },
  web: {
    list: { perSecond: 20, burst: 20 },
    link: { perSecond: 10, burst: 10 },
    token: { perSecond: 1, burst: 3 },
    rest: { perSecond: 50, burst: 50 },
  },
};

/** The network may deliver calls closer together than a client that keeps to the rate sent them. */
const JITTER_S = 0.05;

/** A token bucket for each dialect and class. */
export class Limits {
  readonly #settings: Readonly<Settings>;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(settings: Readonly<Settings>, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  /** How long the caller should have waited, in ms; 0 lets the call through and counts it. */
  take(dialect: 'web' | 'open', rateClass: RateClass): number {
    if (this.#settings.limits === 'none') return 0;
    const { perSecond, burst } = RATES[dialect][rateClass];
    const key = `${dialect} ${rateClass}`;
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, filledAt: now };
    this.#buckets.set(key, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAt) / 1000) * perSecond);
    bucket.filledAt = now;
    const missing = 1 - JITTER_S * perSecond - bucket.tokens;
    if (missing > 0) return Math.ceil((missing / perSecond) * 1000);
    bucket.tokens -= 1;
    return 0;
  }
}
