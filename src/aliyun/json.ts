/** Readers for answers in which most fields may be absent, null or of another type than documented. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns an empty object for anything else */
export function toObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** @returns an empty object for anything else */
export function readObject(json: JsonObject, name: string): JsonObject {
  return toObject(json[name]);
}

/** @returns undefined for an empty text too: the service uses it for "none" */
export function readText(json: JsonObject, name: string): string | undefined {
  const value = json[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Ids are texts; drive ids are made of digits and were seen as numbers. */
export function readId(json: JsonObject, name: string): string | undefined {
  const value = json[name];
  return typeof value === 'number' ? String(value) : readText(json, name);
}

export function readNumber(json: JsonObject, name: string): number | undefined {
  const value = json[name];
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** A length in bytes: a whole number that is not negative. */
export function readSize(json: JsonObject, name: string): number | undefined {
  const value = readNumber(json, name);
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** ISO 8601 with or without milliseconds, or epoch ms, as epoch ms. */
export function readTime(json: JsonObject, name: string): number | undefined {
  const value = json[name];
  const time = typeof value === 'string' ? Date.parse(value) : value;
  return typeof time === 'number' && Number.isFinite(time) ? time : undefined;
}
