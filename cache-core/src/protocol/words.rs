//! Splitting a line into words with quotes, as redis.conf, inline commands and redis-cli do.

use super::ProtocolError;
use alloc::vec::Vec;

/// Splits a line into its words.
///
/// Words stand apart by white space. `"..."` knows `\n \r \t \b \a \xHH \" \\`; `'...'` knows only
/// `\'`. A closing quote must be followed by white space or the end.
///
/// # Errors
/// [`ProtocolError::UnbalancedQuotes`] when a quote isn't closed or something follows it directly.
pub fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, ProtocolError> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() || rest[0] == 0 {
            return Ok(words);
        }
        let mut word = Vec::new();
        rest = take_word(rest, &mut word)?;
        words.push(word);
    }
}

fn take_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
    while let Some((&b, tail)) = rest.split_first() {
        match b {
            b'"' => {
                rest = ends_word(take_double_quoted(tail, word)?)?;
                return Ok(rest);
            }
            b'\'' => {
                rest = ends_word(take_single_quoted(tail, word)?)?;
                return Ok(rest);
            }
            b if b.is_ascii_whitespace() || b == 0 => return Ok(rest),
            b => {
                word.push(b);
                rest = tail;
            }
        }
    }
    Ok(rest)
}

fn ends_word(rest: &[u8]) -> Result<&[u8], ProtocolError> {
    match rest.first() {
        Some(b) if !b.is_ascii_whitespace() => Err(ProtocolError::UnbalancedQuotes),
        _ => Ok(rest),
    }
}

fn take_double_quoted<'a>(
    mut rest: &'a [u8],
    word: &mut Vec<u8>,
) -> Result<&'a [u8], ProtocolError> {
    loop {
        match rest {
            [b'\\', b'x', hi, lo, tail @ ..]
                if hi.is_ascii_hexdigit() && lo.is_ascii_hexdigit() =>
            {
                word.push(hex(*hi) << 4 | hex(*lo));
                rest = tail;
            }
            [b'\\', escaped, tail @ ..] => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                rest = tail;
            }
            [b'"', tail @ ..] => return Ok(tail),
            [b, tail @ ..] => {
                word.push(*b);
                rest = tail;
            }
            [] => return Err(ProtocolError::UnbalancedQuotes),
        }
    }
}

fn take_single_quoted<'a>(
    mut rest: &'a [u8],
    word: &mut Vec<u8>,
) -> Result<&'a [u8], ProtocolError> {
    loop {
        match rest {
            [b'\\', b'\'', tail @ ..] => {
                word.push(b'\'');
                rest = tail;
            }
            [b'\'', tail @ ..] => return Ok(tail),
            [b, tail @ ..] => {
                word.push(*b);
                rest = tail;
            }
            [] => return Err(ProtocolError::UnbalancedQuotes),
        }
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quotes() {
        assert_eq!(split(b"  set  a 1 ").unwrap(), [&b"set"[..], b"a", b"1"]);
        assert_eq!(split(b"\"a\\x41\\n\" ''").unwrap(), [&b"aA\n"[..], b""]);
        assert_eq!(split(b"'it\\'s' b").unwrap(), [&b"it's"[..], b"b"]);
        assert_eq!(split(b"\"a\"b"), Err(ProtocolError::UnbalancedQuotes));
        assert_eq!(split(b"\"a"), Err(ProtocolError::UnbalancedQuotes));
        assert!(split(b"").unwrap().is_empty());
    }
}
