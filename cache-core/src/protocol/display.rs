//! Replies as text, the way redis-cli shows them on a terminal.

use super::Value;
use alloc::format;
use alloc::string::String;

/// Shows a reply: `(integer) 1`, `"text"`, `1) "a"`, and so on, one line each, without a line
/// break at the end.
pub fn show(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    while out.ends_with('\n') {
        out.pop();
    }
    out
}

fn write(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Simple(s) => line(out, s),
        Value::Error(s) => line(out, &format!("(error) {s}")),
        Value::Integer(n) => line(out, &format!("(integer) {n}")),
        Value::Bulk(bytes) => line(out, &quote(bytes)),
        Value::Null => line(out, "(nil)"),
        Value::Double(d) => {
            line(
                out,
                &format!(
                    "(double) {}",
                    String::from_utf8_lossy(&crate::numbers::format_double(*d))
                ),
            );
        }
        Value::Boolean(b) => line(out, if *b { "(true)" } else { "(false)" }),
        Value::BigNumber(s) => line(out, s),
        Value::Verbatim(s) => {
            out.push_str(s);
            if !s.ends_with('\n') {
                out.push('\n');
            }
        }
        Value::Array(items) => list(out, items, indent, ')', "(empty array)"),
        Value::Set(items) => list(out, items, indent, '~', "(empty set)"),
        Value::Push(items) => list(out, items, indent, ')', "(empty push)"),
        Value::Map(pairs) => map(out, pairs, indent),
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn list(out: &mut String, items: &[Value], indent: usize, mark: char, empty: &str) {
    if items.is_empty() {
        return line(out, empty);
    }
    let width = decimal_width(items.len());
    for (i, item) in items.iter().enumerate() {
        prefix(out, i, indent, width, mark);
        write(out, item, indent + width + 2);
    }
}

fn map(out: &mut String, pairs: &[(Value, Value)], indent: usize) {
    if pairs.is_empty() {
        return line(out, "(empty hash)");
    }
    let width = decimal_width(pairs.len());
    for (i, (key, value)) in pairs.iter().enumerate() {
        prefix(out, i, indent, width, '#');
        let mut shown = String::new();
        write(&mut shown, key, 0);
        out.push_str(shown.trim_end_matches('\n'));
        out.push_str(" => ");
        write(out, value, indent + width + 2);
    }
}

/// The first element follows its parent's mark on the same line, the others are indented.
fn prefix(out: &mut String, i: usize, indent: usize, width: usize, mark: char) {
    if i > 0 {
        out.extend(core::iter::repeat_n(' ', indent));
    }
    out.push_str(&format!("{:width$}{mark} ", i + 1));
}

fn decimal_width(n: usize) -> usize {
    n.checked_ilog10().unwrap_or(0) as usize + 1
}

/// A string in double quotes, with `\n`, `\r`, `\t`, `\a`, `\b`, `\"`, `\\` and `\xHH` for what
/// isn't printable ASCII.
pub fn quote(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for &b in bytes {
        match b {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            b' '..=b'~' => out.push(b as char),
            _ => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn nested_replies_line_up() {
        let value = Value::Array(vec![
            Value::Bulk(b"a\x01".to_vec()),
            Value::Array(vec![Value::Integer(1), Value::Null]),
        ]);
        assert_eq!(show(&value), "1) \"a\\x01\"\n2) 1) (integer) 1\n   2) (nil)");
    }
}
