//! Glob patterns of KEYS, SCAN, PSUBSCRIBE and CONFIG GET: `*`, `?`, `[a-z]`, `[^a]`, `\x`.
//!
//! Matching goes back only to the last `*`, so that a pattern with many stars costs at most
//! pattern times text, never an exponential; and it gives up where even that would take long.

/// Steps that a match may take, beyond [`STEPS_A_BYTE`] for each byte of the text.
const STEPS: usize = 1 << 16;
/// Ordinary patterns take about one step a byte; those that take more than this are made to.
const STEPS_A_BYTE: usize = 32;

/// Whether KEYS and SCAN show a name for a pattern: a star alone shows also the empty one.
pub(crate) fn selects(pattern: &[u8], name: &[u8]) -> bool {
    pattern == b"*" || matches(pattern, name)
}

/// Whether the whole text matches the pattern. `false` too when that would take too long to say. The
/// empty text matches nothing but the empty pattern, as in Redis.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    for _ in 0..STEPS.saturating_add(text.len().saturating_mul(STEPS_A_BYTE)) {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            if p == pattern.len() {
                return true;
            }
            star = Some((p, t));
            continue;
        }
        let step = match text.get(t) {
            Some(&b) => match_one(&pattern[p..], b),
            None if p == pattern.len() => return true,
            None => return false,
        };
        match (step, star) {
            (Some(len), _) => {
                p += len;
                t += 1;
            }
            (None, Some((after, from))) => {
                p = after;
                t = from + 1;
                star = Some((after, from + 1));
            }
            (None, None) => return false,
        }
    }
    false
}

/// Matches one byte against the pattern's first element and gives that element's length.
fn match_one(pattern: &[u8], b: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => Some(1),
        b'[' => match_class(pattern, b),
        b'\\' if pattern.len() > 1 => (pattern[1] == b).then_some(2),
        literal => (literal == b).then_some(1),
    }
}

/// `[...]`; one that isn't closed ends with the pattern.
fn match_class(pattern: &[u8], b: u8) -> Option<usize> {
    let negated = pattern.get(1) == Some(&b'^');
    let mut at = if negated { 2 } else { 1 };
    let mut found = false;
    loop {
        match pattern[at.min(pattern.len())..] {
            [] => break,
            [b']', ..] => {
                at += 1;
                break;
            }
            [b'\\', escaped, ..] => {
                found |= escaped == b;
                at += 2;
            }
            [low, b'-', high, ..] => {
                found |= (low.min(high)..=low.max(high)).contains(&b);
                at += 3;
            }
            [literal, ..] => {
                found |= literal == b;
                at += 1;
            }
        }
    }
    (found != negated).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "", false),
            ("**", "a", true),
            ("", "", true),
            ("", "a", false),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*a*b", "xaxbxb", true),
            ("news.*", "news.it", true),
            ("[", "x", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_would_take_long_is_given_up() {
        // 20,000 times a million steps, were they all taken.
        let pattern = ["*", &"a".repeat(20_000), "b"].concat();
        assert!(!matches(pattern.as_bytes(), "a".repeat(1_000_000).as_bytes()));
        // A long text and an ordinary pattern are no trouble.
        let text = ["x".repeat(1_000_000).as_str(), "end"].concat();
        assert!(matches(b"x*e*nd", text.as_bytes()));
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = "a*".repeat(5000) + "b";
        let text = "a".repeat(5000);
        assert!(!matches(pattern.as_bytes(), text.as_bytes()));
    }
}
