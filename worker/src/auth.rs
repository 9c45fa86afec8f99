//! Bearer tokens: who may come in, and to do what.

use subtle::ConstantTimeEq;

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Every command that the door lets through.
    Full,
    /// Commands that only read.
    ReadOnly,
}

/// The tokens that are configured. Neither is ever shown: there is no `Debug` on purpose.
#[derive(Default)]
pub struct Tokens {
    full: String,
    read_only: String,
}

impl Tokens {
    /// The two tokens; an empty one opens nothing.
    pub fn new(full: String, read_only: String) -> Self {
        Tokens { full, read_only }
    }

    /// Whether there is any token at all.
    pub fn are_set(&self) -> bool {
        !self.full.is_empty() || !self.read_only.is_empty()
    }

    /// What a presented token opens. How long this takes depends on lengths alone, so that nobody
    /// can find a token out byte by byte.
    pub fn access(&self, presented: &str) -> Option<Access> {
        let is = |token: &String| {
            !token.is_empty() & bool::from(token.as_bytes().ct_eq(presented.as_bytes()))
        };
        let (full, read_only) = (is(&self.full), is(&self.read_only));
        match (full, read_only) {
            (true, _) => Some(Access::Full),
            (false, true) => Some(Access::ReadOnly),
            (false, false) => None,
        }
    }
}

/// The token in an `Authorization` header.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_opens_its_own_door() {
        let tokens = Tokens::new("secret".into(), "look".into());
        assert_eq!(tokens.access("secret"), Some(Access::Full));
        assert_eq!(tokens.access("look"), Some(Access::ReadOnly));
        for wrong in ["", "secre", "secrets", "Secret", "loo"] {
            assert_eq!(tokens.access(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_empty_token_opens_nothing() {
        let tokens = Tokens::new("secret".into(), String::new());
        assert_eq!(tokens.access(""), None);
        assert!(tokens.are_set());
        assert!(!Tokens::default().are_set());
    }

    #[test]
    fn the_header_names_its_scheme() {
        assert_eq!(bearer("Bearer abc="), Some("abc="));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }
}
