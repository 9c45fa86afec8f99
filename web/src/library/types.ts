/** An argument of a command: text is sent as UTF-8, a number as its decimal text. */
export type Argument = string | number | bigint | Uint8Array;

/**
 * A reply as a JavaScript value.
 *
 * | RESP3 | JavaScript |
 * |---|---|
 * | null | `null` |
 * | integer | `number`, or `bigint` beyond ±(2^53 − 1) |
 * | double, boolean | `number`, `boolean` |
 * | big number | `bigint` |
 * | simple, verbatim and bulk string | `string` when the bytes are UTF-8, else `Uint8Array` |
 * | array, set, push | `Array` |
 * | map | `Map`, in the order sent: an object would reorder keys and give `__proto__` a meaning |
 * | error inside an array, as EXEC gives it | a `CacheError`, not thrown |
 */
export type Reply =
  | null
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | CacheError
  | Reply[]
  | Map<Reply, Reply>;

/** An error reply of the engine, or a command that could not be sent to it. */
export class CacheError extends Error {
  constructor(code: string, message: string);
  /** The reply's first word, such as `WRONGTYPE`. */
  readonly code: string;
}

/** How a cache begins. */
export interface CacheOptions {
  /**
   * Decides hashing, sampling and all else that is left to chance: the same seed and the same calls
   * give the same replies. 0 unless given; at most 2^53 − 1 as a number, 2^64 − 1 as a bigint.
   */
  seed?: number | bigint;
  /** `maxmemory` as redis.conf writes it: bytes, or `"100mb"`. No limit unless given. */
  maxmemory?: number | string;
  /** Other settings by their redis.conf names, such as `{"maxmemory-policy": "allkeys-lru"}`. */
  config?: Record<string, string | number>;
  /** The virtual clock's first moment in milliseconds since the Unix epoch; 0 unless given. */
  start?: number;
  /**
   * The clock, in milliseconds since the Unix epoch: `Date.now` for real time. Read once a call.
   * Without it time stands still until `advance` moves it.
   */
  clock?: () => number;
}

/** What a cache has counted since it began or since CONFIG RESETSTAT. */
export interface CacheStats {
  /** Keys in all databases, those whose time ran out but that nothing has met yet included. */
  keys: number;
  /** Bytes accounted for keys and values: the same on every platform. */
  usedMemory: number;
  commands: number;
  hits: number;
  misses: number;
  /** Keys whose time ran out and that were removed. */
  expired: number;
  /** Those of `expired` that the background cycle found, rather than a command. */
  expiredByCycle: number;
  evicted: number;
}

export interface Cache {
  /**
   * Executes a command and gives its reply, or throws the error that it replied with.
   *
   * `undefined`: the command has no reply yet (it blocks) or none at all (`CLIENT REPLY OFF`).
   *
   * @example
   * cache.execute('SET', 'greeting', 'hello', 'EX', 10); // 'OK'
   * cache.execute(['GET', 'greeting']);                  // 'hello'
   */
  execute(command: readonly Argument[]): Reply | undefined;
  execute(...command: Argument[]): Reply | undefined;
}
