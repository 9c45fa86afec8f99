// What redis-cli does to what is typed and to what comes back, as far as the tests need it.

/** Splits a line into its words, quotes and escapes taken away: bytes. */
export function words(line) {
  const word = /"((?:\\x[0-9a-f]{2}|\\.|[^"\\])*)"|'((?:\\'|[^'])*)'|(\S+)/giy;
  const found = [];
  for (let at = 0; ; at = word.lastIndex) {
    word.lastIndex = at + /^\s*/.exec(line.slice(at))[0].length;
    const match = word.exec(line);
    if (!match) return found;
    const [, double, single, plain] = match;
    if (double !== undefined) found.push(unescaped(double));
    else found.push(Buffer.from(plain ?? single.replaceAll("\\'", "'")));
  }
}

const ESCAPES = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

function unescaped(text) {
  const parts = text.match(/\\x[0-9a-f]{2}|\\.|[^\\]+/gi) ?? [];
  const bytes = parts.map((part) => {
    if (!part.startsWith('\\')) return Buffer.from(part);
    if (part.length === 4) return Buffer.from([Number.parseInt(part.slice(2), 16)]);
    return Buffer.from(ESCAPES[part[1]] ?? part[1]);
  });
  return Buffer.concat(bytes);
}

/** A reply in RESP2, as redis-cli shows it. */
export function show(reply) {
  let at = 0;
  const line = () => {
    const end = reply.indexOf('\r\n', at);
    const text = reply.subarray(at, end);
    at = end + 2;
    return text;
  };
  const value = (indent) => {
    const head = line();
    const text = head.subarray(1).toString();
    switch (String.fromCharCode(head[0])) {
      case '+':
        return text;
      case '-':
        return `(error) ${text}`;
      case ':':
        return `(integer) ${text}`;
      case '$': {
        if (text === '-1') return '(nil)';
        const bytes = reply.subarray(at, at + Number(text));
        at += Number(text) + 2;
        return quoted(bytes);
      }
      case '*': {
        const count = Number(text);
        if (count === -1) return '(nil)';
        if (count === 0) return '(empty array)';
        const width = `${count}) `.length;
        const items = Array.from({ length: count }, (_, i) => {
          const label = `${i + 1}) `.padStart(width);
          return label + value(indent + label.length);
        });
        return items.join(`\n${' '.repeat(indent)}`);
      }
      default:
        throw new Error(`no reply in RESP2: ${head}`);
    }
  };
  return `${value(0)}\n`;
}

const NAMES = { 10: '\\n', 13: '\\r', 9: '\\t', 7: '\\a', 8: '\\b', 34: '\\"', 92: '\\\\' };

function quoted(bytes) {
  const shown = Array.from(bytes, (byte) => {
    if (NAMES[byte]) return NAMES[byte];
    const prints = byte >= 32 && byte < 127;
    return prints ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `"${shown.join('')}"`;
}
