//! Reading arguments: numbers, moments and options, said once.
//!
//! A command declares its options as a struct by [`options!`], in words that a reader knows from the
//! documentation, and reads them in one call. What must never be here: what an option does.

use super::Error;
use crate::node::Cx;
use crate::numbers::{count_of, parse_f64, parse_i64};
use crate::observer::Observer;
use crate::protocol::Args;
use core::ops::Range;

/// A whole number.
pub(crate) fn integer(text: &[u8]) -> Result<i64, Error> {
    parse_i64(text).ok_or(Error::NotAnInteger)
}

/// A whole number whose negative is one too.
pub(crate) fn symmetric_integer(text: &[u8]) -> Result<i64, Error> {
    match integer(text)? {
        i64::MIN => Err(Error::Text(
            "ERR value is out of range, value must between -9223372036854775807 and \
             9223372036854775807",
        )),
        number => Ok(number),
    }
}

/// The ranks, counted from 0, between two of `len` that are both meant; those below 0 count from the
/// end.
pub(crate) fn ranks(start: i64, stop: i64, len: u64) -> Range<u64> {
    let all = i64::try_from(len).unwrap_or(i64::MAX);
    let from_start = |at: i64| if at < 0 { at.saturating_add(all) } else { at };
    let start = from_start(start).max(0);
    let end = from_start(stop).saturating_add(1).min(all);
    if start < end { start as u64..end as u64 } else { 0..0 }
}

/// A number with a fraction, or an infinity; never NaN.
pub(crate) fn float(text: &[u8]) -> Result<f64, Error> {
    try_float(text).ok_or(Error::NotAFloat)
}

/// As [`float`]. `None`: it is none, or nearer to zero or farther from it than floats are.
pub(crate) fn try_float(text: &[u8]) -> Option<f64> {
    let value = parse_f64(text)?;
    let has = |digits: core::ops::RangeInclusive<u8>| {
        let mantissa = text.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
        mantissa.iter().any(|byte| digits.contains(byte))
    };
    let out_of_range = value.is_infinite() && has(b'0'..=b'9') || value == 0.0 && has(b'1'..=b'9');
    (!out_of_range).then_some(value)
}

/// A whole number that is not negative; `wrong` is the error for one that is, or that is no number.
pub(crate) fn positive(text: &[u8], wrong: Error) -> Result<u64, Error> {
    parse_i64(text).and_then(|number| u64::try_from(number).ok()).ok_or(wrong)
}

/// A whole number that is not negative, with the texts that Redis has for a number out of range.
pub(crate) fn positive_or_out_of_range(text: &[u8]) -> Result<u64, Error> {
    positive(text, Error::Text("ERR value is out of range, must be positive"))
}

/// As many keys as the argument at `at` says, right behind it, and the arguments behind them.
pub(crate) fn counted_keys<'a>(args: Args<'a>, at: usize) -> Result<(Args<'a>, Args<'a>), Error> {
    counted_keys_or(
        args,
        at,
        Error::Text("ERR Number of keys can't be greater than number of args"),
    )
}

/// As [`counted_keys`], with an error of the command's own for more keys than there are.
pub(crate) fn counted_keys_or<'a>(
    args: Args<'a>,
    at: usize,
    too_many: Error,
) -> Result<(Args<'a>, Args<'a>), Error> {
    let wrong = "ERR numkeys should be greater than 0";
    let count = parse_i64(args.at(at)).ok_or(Error::Text(wrong))?;
    let count = count_of(count).filter(|&count| count > 0).ok_or(Error::Text(wrong))?;
    let first = at + 1;
    if count > args.len().saturating_sub(first) {
        return Err(too_many);
    }
    Ok((args.slice(first..first + count), args.from(first + count)))
}

/// Until when (monotonic microseconds) a command waits whose timeout is given in seconds; 0 is for
/// ever.
pub(crate) fn wait_seconds<O: Observer>(cx: &Cx<'_, O>, text: &[u8]) -> Result<u64, Error> {
    let seconds =
        parse_f64(text).ok_or(Error::Text("ERR timeout is not a float or out of range"))?;
    // As in Redis: what doesn't fit 63 bits of milliseconds is no timeout.
    if seconds * 1000.0 > i64::MAX as f64 {
        return Err(Error::Text("ERR timeout is out of range"));
    }
    let (ms, whole) = (seconds * 1000.0, (seconds * 1000.0) as i64);
    wait_until(cx, whole.saturating_add(i64::from(ms > whole as f64)))
}

/// As [`wait_seconds`], in milliseconds.
pub(crate) fn wait_millis<O: Observer>(cx: &Cx<'_, O>, text: &[u8]) -> Result<u64, Error> {
    let ms = parse_i64(text).ok_or(Error::Text("ERR timeout is not an integer or out of range"))?;
    wait_until(cx, ms)
}

fn wait_until<O: Observer>(cx: &Cx<'_, O>, ms: i64) -> Result<u64, Error> {
    let ms = u64::try_from(ms).map_err(|_| Error::Text("ERR timeout is negative"))?;
    if ms == 0 {
        return Ok(u64::MAX);
    }
    if i64::try_from(cx.now_ms().saturating_add(ms)).is_err() {
        return Err(Error::Text("ERR timeout is out of range"));
    }
    // The last moment of all is for ever.
    Ok(cx.now.mono_us.saturating_add(ms.saturating_mul(1000)).min(u64::MAX - 1))
}

/// Arguments that are taken one by one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    args: Args<'a>,
    next: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn new(args: Args<'a>) -> Self {
        Words { args, next: 0 }
    }

    /// Takes the next one, if there is one.
    pub(crate) fn take(&mut self) -> Option<&'a [u8]> {
        let word = self.args.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    /// Takes the value that an option asks for.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Error> {
        self.take().ok_or(Error::Syntax)
    }

    /// Takes a whole number.
    pub(crate) fn integer(&mut self) -> Result<i64, Error> {
        integer(self.bytes()?)
    }

    /// Takes the next one if it is this word, in any case.
    pub(crate) fn is(&mut self, word: &str) -> bool {
        let found = self.args.get(self.next).is_some_and(|next| is_word(next, word));
        self.next += usize::from(found);
        found
    }

    /// How many there are still.
    pub(crate) fn left(&self) -> usize {
        self.args.len() - self.next
    }

    /// All there are still.
    pub(crate) fn rest(&self) -> Args<'a> {
        self.args.from(self.next)
    }

    /// Takes so many at once; an error if there are fewer.
    pub(crate) fn several(&mut self, count: usize) -> Result<Args<'a>, Error> {
        if count > self.left() {
            return Err(Error::Syntax);
        }
        self.next += count;
        Ok(self.args.slice(self.next - count..self.next))
    }
}

/// Whether an argument is a word, in any case.
pub(crate) fn is_word(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

/// Declares a command's options:
///
/// ```text
/// options! {
///     /// What ZRANGE was asked for.
///     struct Wanted<'a> {
///         by_score: "byscore",                                   // bool: was it said?
///         limit: "limit" => (i64, i64) = limit,                  // Option<(i64, i64)>
///         pattern: "match" => &'a [u8] = Words::bytes,           // Option<&'a [u8]>
///     }
/// }
/// ```
///
/// What stands behind `=` reads the option's value: `fn(&mut Words<'a>) -> Result<T, Error>`. An option
/// that comes twice holds as it was said last. `Wanted::parse(args)` reads all of `args` and answers a
/// word that is no option with a syntax error; `Wanted::parse_some(&mut words)` stops before it.
macro_rules! options {
    (
        $(#[$doc:meta])*
        $vis:vis struct $name:ident<$life:lifetime> {
            $($field:ident: $word:literal $(=> $type:ty = $read:expr)?),+ $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        $vis struct $name<$life> {
            $(pub(super) $field: options!(@type $($type)?),)+
            _life: core::marker::PhantomData<&$life ()>,
        }

        // Some commands read all of their arguments, some only those before others.
        #[allow(dead_code)]
        impl<$life> $name<$life> {
            pub(super) fn parse(
                args: $crate::protocol::Args<$life>,
            ) -> Result<Self, $crate::commands::Error> {
                let mut words = $crate::commands::arguments::Words::new(args);
                let options = Self::parse_some(&mut words)?;
                if words.left() > 0 {
                    return Err($crate::commands::Error::Syntax);
                }
                Ok(options)
            }

            pub(super) fn parse_some(
                words: &mut $crate::commands::arguments::Words<$life>,
            ) -> Result<Self, $crate::commands::Error> {
                let mut options = Self::default();
                while words.left() > 0 {
                    $(if words.is($word) {
                        options.$field = options!(@read words $($read)?);
                        continue;
                    })+
                    break;
                }
                Ok(options)
            }
        }
    };
    (@type) => { bool };
    (@type $type:ty) => { Option<$type> };
    (@read $words:ident) => { true };
    (@read $words:ident $read:expr) => { Some($read($words)?) };
}
