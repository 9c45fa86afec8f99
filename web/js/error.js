// The error that `Cache` throws. It stands in JavaScript, since a class that extends Error cannot
// be made from Rust.

/** An error reply of the engine, or a command that could not be sent to it. */
export class CacheError extends Error {
  /**
   * @param {string} code the reply's first word, such as `WRONGTYPE`; `ERR` when it has none
   * @param {string} message the rest, without the code
   */
  constructor(code, message) {
    super(message);
    this.name = 'CacheError';
    this.code = code;
  }
}
