/** What may be turned while the emulator runs; every value survives JSON. */
export interface Settings {
  /** `real`: calls beyond the service's rates are refused, and an open application may have three downloads at a time. */
  limits: 'real' | 'none';
  /** Simultaneous bodies over open links; `auto` follows `limits`. */
  downloads: 'auto' | 'off' | number;
  /** Before every API answer. */
  latencyMs: number;
  accessTokenTtlMs: number;
  /** The life of every link in place of the asked one; whole seconds. */
  linkTtlMs: number | null;
  /** Open links live as long as asked, up to four hours, instead of 15 minutes. */
  approvedApp: boolean;
  /** How long a used refresh token is good for one more use; 0 kills it at once. */
  webGraceMs: number;
  openGraceMs: number;
  /** Which code tells that a refresh token came to the other kind's endpoint. */
  wrongEndpointCode: 'InvalidParameter.ClientId' | 'InvalidParameter.RefreshToken';
  /** Which web calls want a registered device. */
  deviceChecks: 'off' | 'download-only' | 'all';
  /** Verifies x-signature with the registered key; the service seems not to. */
  strictSignatures: boolean;
  /** After which a device session must be created again. */
  deviceSessionTtlMs: number | null;
  listLagMs: number;
  foldersFirst: boolean;
  /** What the open API does with a limit beyond its documented 100 (`reject`) or beyond 200 (`clamp`). */
  openListLimit: 'clamp' | 'reject';
  /** Pages hold at most this many entries whatever was asked. */
  pageMax: number | null;
  linkSignature: 'OSS2' | 'OSS4';
  /** `oss`: a range that is unsatisfiable or ends beyond the object gets the whole of it. */
  ranges: 'rfc9110' | 'oss';
  /** For each body of the storage host. */
  bytesPerSecond: number | null;
  /** Before every answer of the storage host. */
  storageLatencyMs: number;
  /** For all parts together that are being sent to the storage host. */
  uploadBytesPerSecond: number | null;
  /** The life of a URL that takes a part; whole seconds. */
  uploadUrlTtlMs: number;
  /** After which an unfinished upload is gone. */
  uploadSessionTtlMs: number | null;
  /** What uploaded parts may take on this machine's disk. */
  uploadDiskBytes: number;
  /** Of the account; the recycle bin counts as used. */
  totalBytes: number;
  /** Of one file. */
  maxFileBytes: number;
  /** Whether the probe with the hash of the first 1024 bytes hits what is known, everything (as it may) or nothing. */
  preHash: 'known' | 'always' | 'never';
  /** `off`: every file has to be sent, but the empty one. */
  rapidUpload: 'on' | 'off';
  /** What a web move without a rule does onto a taken name: both were seen. */
  webMoveOntoExisting: 'refuse' | 'twin';
  /** How long the service works on a folder after its answer. */
  taskMs: number;
}

export const DEFAULT_SETTINGS: Readonly<Settings> = {
  limits: 'none',
  downloads: 'auto',
  latencyMs: 0,
  accessTokenTtlMs: 7_200_000,
  linkTtlMs: null,
  approvedApp: false,
  webGraceMs: 60_000,
  openGraceMs: 0,
  wrongEndpointCode: 'InvalidParameter.ClientId',
  deviceChecks: 'all',
  strictSignatures: false,
  deviceSessionTtlMs: null,
  listLagMs: 0,
  foldersFirst: true,
  openListLimit: 'clamp',
  pageMax: null,
  linkSignature: 'OSS2',
  ranges: 'rfc9110',
  bytesPerSecond: null,
  storageLatencyMs: 0,
  uploadBytesPerSecond: null,
  uploadUrlTtlMs: 3_600_000,
  uploadSessionTtlMs: null,
  uploadDiskBytes: 8 * 2 ** 30,
  totalBytes: 107_374_182_400,
  maxFileBytes: 107_374_182_400,
  preHash: 'known',
  rapidUpload: 'on',
  webMoveOntoExisting: 'refuse',
  taskMs: 0,
};

type Check = (value: unknown) => boolean;

const isAmount: Check = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isPositive: Check = (value) => isAmount(value) && value !== 0;
const isFlag: Check = (value) => typeof value === 'boolean';
const isOneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

const CHECKS: Readonly<Record<keyof Settings, Check>> = {
  limits: isOneOf('real', 'none'),
  downloads: (value) => isOneOf('auto', 'off')(value) || (isPositive(value) && Number.isInteger(value)),
  latencyMs: isAmount,
  accessTokenTtlMs: isPositive,
  linkTtlMs: orNull(isAmount),
  approvedApp: isFlag,
  webGraceMs: isAmount,
  openGraceMs: isAmount,
  wrongEndpointCode: isOneOf('InvalidParameter.ClientId', 'InvalidParameter.RefreshToken'),
  deviceChecks: isOneOf('off', 'download-only', 'all'),
  strictSignatures: isFlag,
  deviceSessionTtlMs: orNull(isPositive),
  listLagMs: isAmount,
  foldersFirst: isFlag,
  openListLimit: isOneOf('clamp', 'reject'),
  pageMax: orNull((value) => isPositive(value) && Number.isInteger(value)),
  linkSignature: isOneOf('OSS2', 'OSS4'),
  ranges: isOneOf('rfc9110', 'oss'),
  bytesPerSecond: orNull(isPositive),
  storageLatencyMs: isAmount,
  uploadBytesPerSecond: orNull(isPositive),
  uploadUrlTtlMs: isAmount,
  uploadSessionTtlMs: orNull(isPositive),
  uploadDiskBytes: isAmount,
  totalBytes: isAmount,
  maxFileBytes: isAmount,
  preHash: isOneOf('known', 'always', 'never'),
  rapidUpload: isOneOf('on', 'off'),
  webMoveOntoExisting: isOneOf('refuse', 'twin'),
  taskMs: isAmount,
};

/** @throws Error naming the first setting that is unknown or has a value it cannot take; nothing is changed then. */
export function changeSettings(settings: Settings, changes: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(changes)) {
    if (!isSettingName(name)) throw new Error(`There is no setting ${name}.`);
    if (!CHECKS[name](value)) throw new Error(`The setting ${name} cannot be ${JSON.stringify(value)}.`);
  }
  Object.assign(settings, changes);
}

export function isSettingName(name: string): name is keyof Settings {
  return Object.hasOwn(CHECKS, name);
}
