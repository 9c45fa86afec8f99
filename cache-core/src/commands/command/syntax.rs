//! Arguments from a row's syntax: what COMMAND DOCS tells clients for hints and completion.
//!
//! `key value [NX | XX] [EX seconds | PX milliseconds]`: a word in capitals is a token, the small
//! word behind it its value; `[...]` may be left out, `<...>` may not, `|` separates alternatives;
//! `x [x ...]` stands for one or more x, `[X x ...]` for any number, each with its token.

use super::super::{Flags, Group, Spec};
use alloc::string::String;
use alloc::vec::Vec;

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    String,
    Integer,
    Double,
    Pattern,
    UnixTime,
    /// A token alone.
    PureToken,
    /// One of several.
    OneOf,
    /// Several in a row.
    Block,
}

impl Kind {
    /// The name in COMMAND DOCS.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Key => "key",
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Double => "double",
            Kind::Pattern => "pattern",
            Kind::UnixTime => "unix-time",
            Kind::PureToken => "pure-token",
            Kind::OneOf => "oneof",
            Kind::Block => "block",
        }
    }
}

/// An argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arg {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The word that must stand before it (or that it is).
    pub(crate) token: Option<&'static str>,
    pub(crate) optional: bool,
    pub(crate) multiple: bool,
    /// Each further one has its token again.
    pub(crate) multiple_token: bool,
    /// Which of the command's key specifications finds it, when it is a key.
    pub(crate) key_spec: Option<usize>,
    /// What a block or a choice is made of.
    pub(crate) args: Vec<Arg>,
}

impl Arg {
    fn new(name: impl Into<String>, kind: Kind, token: Option<&'static str>) -> Self {
        Arg {
            name: name.into(),
            kind,
            token,
            optional: false,
            multiple: false,
            multiple_token: false,
            key_spec: None,
            args: Vec::new(),
        }
    }

    fn group(name: &str, kind: Kind, args: Vec<Arg>) -> Self {
        Arg { args, ..Arg::new(name, kind, None) }
    }
}

/// The arguments of a command, its name and its subcommand's left out.
pub(crate) fn arguments(spec: &Spec) -> Vec<Arg> {
    let mut reader = Reader { words: words(spec.syntax), at: 0, spec, keys: 0 };
    let mut args = reader.sequence().args;
    if reader.at < reader.words.len() {
        // An alternative at the outermost level.
        args = alloc::vec![reader.choice(args).0];
    }
    args
}

/// Cuts a syntax at white space and around brackets and bars.
fn words(syntax: &'static str) -> Vec<&'static str> {
    let mut words = Vec::new();
    for mut chunk in syntax.split_ascii_whitespace() {
        while let Some(at) = chunk.find(['[', ']', '<', '>', '|']) {
            if at > 0 {
                words.push(&chunk[..at]);
            }
            words.push(&chunk[at..=at]);
            chunk = &chunk[at + 1..];
        }
        if !chunk.is_empty() {
            words.push(chunk);
        }
    }
    words
}

/// Arguments in a row; `repeats`: they ended with `...`.
struct Sequence {
    args: Vec<Arg>,
    repeats: bool,
}

struct Reader<'a> {
    words: Vec<&'static str>,
    at: usize,
    spec: &'a Spec,
    /// How many keys have been met.
    keys: usize,
}

impl Reader<'_> {
    fn take(&mut self) -> Option<&'static str> {
        let word = self.words.get(self.at).copied();
        self.at += usize::from(word.is_some());
        word
    }

    /// Reads up to a bar, a closing bracket or the end.
    fn sequence(&mut self) -> Sequence {
        let mut args: Vec<Arg> = Vec::new();
        let mut repeats = false;
        while let Some(&word) = self.words.get(self.at) {
            match word {
                "|" | "]" | ">" => break,
                "..." => {
                    self.at += 1;
                    // At a bracket's end it repeats what the bracket holds, else the last name.
                    if self.words.get(self.at) == Some(&"]") {
                        repeats = true;
                    } else if let Some(last) = args.last_mut() {
                        last.multiple = true;
                        last.multiple_token = last.token.is_some();
                    }
                }
                "[" => {
                    let keys = self.keys;
                    self.at += 1;
                    let (group, repeats) = self.bracket("]");
                    if repeats {
                        // The same names once more are no further keys.
                        self.keys = keys;
                        repeat_last(&mut args, group);
                    } else {
                        args.push(Arg { optional: true, ..into_one(group) });
                    }
                }
                "<" => {
                    self.at += 1;
                    args.push(into_one(self.bracket(">").0));
                }
                _ => {
                    self.at += 1;
                    let arg = self.word(word);
                    args.push(arg);
                }
            }
        }
        Sequence { args, repeats }
    }

    /// Reads a bracket's inside and its end.
    fn bracket(&mut self, end: &str) -> (Vec<Arg>, bool) {
        let Sequence { mut args, mut repeats } = self.sequence();
        if self.words.get(self.at) == Some(&"|") {
            let (choice, again) = self.choice(args);
            (args, repeats) = (alloc::vec![choice], again);
        }
        if self.words.get(self.at) == Some(&end) {
            self.at += 1;
        }
        (args, repeats)
    }

    /// Goes on behind a first alternative; says too whether the last ended with `...`, which is meant
    /// for all of them.
    fn choice(&mut self, first: Vec<Arg>) -> (Arg, bool) {
        let mut alternatives = alloc::vec![into_one(first)];
        let mut repeats = false;
        while self.words.get(self.at) == Some(&"|") {
            self.at += 1;
            let next = self.sequence();
            repeats = next.repeats;
            alternatives.push(into_one(next.args));
        }
        let name = choice_name(&alternatives);
        (Arg::group(name, Kind::OneOf, alternatives), repeats)
    }

    /// A token, a token with its value or group, or a plain argument.
    fn word(&mut self, word: &'static str) -> Arg {
        if !is_token(word) {
            return self.plain(word, None);
        }
        match self.words.get(self.at) {
            Some(&"<") => {
                self.at += 1;
                let arg = into_one(self.bracket(">").0);
                Arg { token: Some(word), name: word.to_ascii_lowercase(), ..arg }
            }
            Some(&next) if !is_token(next) && !["[", "]", ">", "|", "..."].contains(&next) => {
                self.take();
                self.plain(next, Some(word))
            }
            _ => Arg::new(word.to_ascii_lowercase(), Kind::PureToken, Some(word)),
        }
    }

    fn plain(&mut self, name: &'static str, token: Option<&'static str>) -> Arg {
        let kind = kind_of(name, token, self.spec);
        let mut arg = Arg::new(name, kind, token);
        if kind == Kind::Key {
            arg.key_spec = Some(self.keys.min(self.spec.keys.len() - 1));
            self.keys += 1;
        }
        arg
    }
}

/// Marks the arguments that a `[... ...]` repeats.
fn repeat_last(args: &mut Vec<Arg>, repeated: Vec<Arg>) {
    let same = args.len() >= repeated.len()
        && !repeated.is_empty()
        && args[args.len() - repeated.len()..]
            .iter()
            .zip(&repeated)
            .all(|(before, again)| before.name == again.name);
    if !same {
        let group = into_one(repeated);
        let multiple_token = group.token.is_some();
        args.push(Arg { optional: true, multiple: true, multiple_token, ..group });
    } else if repeated.len() == 1 {
        if let Some(last) = args.last_mut() {
            last.multiple = true;
        }
    } else {
        let block = args.split_off(args.len() - repeated.len());
        args.push(Arg { multiple: true, ..Arg::group("data", Kind::Block, block) });
    }
}

/// Arguments in a row as one argument: a block, when there is more than one.
fn into_one(mut args: Vec<Arg>) -> Arg {
    if args.len() == 1
        && let Some(arg) = args.pop()
    {
        return arg;
    }
    let mut block = Arg::group("options", Kind::Block, args);
    // `LIMIT offset count`: the token is the block's.
    if let Some(first) = block.args.first_mut()
        && first.kind != Kind::PureToken
        && !first.optional
        && let Some(token) = first.token.take()
    {
        block.token = Some(token);
        block.name = token.to_ascii_lowercase();
    }
    block
}

fn choice_name(alternatives: &[Arg]) -> &'static str {
    let any = |tokens: &[&str]| {
        alternatives.iter().any(|a| a.token.is_some_and(|token| tokens.contains(&token)))
    };
    if any(&["EX", "PX", "EXAT", "PXAT", "PERSIST"]) {
        "expiration"
    } else if any(&["NX", "XX", "GT", "LT"]) {
        "condition"
    } else if any(&["ASYNC"]) {
        "flush-type"
    } else if any(&["ON", "OFF"]) {
        "enabled"
    } else {
        "options"
    }
}

/// Words in capitals, digits and signs are tokens, and so are signs alone.
fn is_token(word: &str) -> bool {
    !word.bytes().any(|b| b.is_ascii_lowercase()) && !word.bytes().all(|b| b.is_ascii_digit())
}

/// What an argument is, by its name: the same names mean the same throughout the table.
fn kind_of(name: &str, token: Option<&str>, spec: &Spec) -> Kind {
    let of_texts = || spec.name.starts_with('x') || ["zrange", "zrangestore"].contains(&spec.name);
    match name {
        "key" | "key1" | "key2" | "newkey" | "source" | "destination" | "sourcekey"
        | "destkey" | "src" | "dst"
            if !spec.keys.is_empty() =>
        {
            Kind::Key
        }
        "pattern" if token != Some("BY") => Kind::Pattern,
        "increment" if spec.name.ends_with("float") => Kind::Double,
        "value" if spec.group == Group::Bitmap => Kind::Integer,
        "min-idle-time" if token.is_some() => Kind::Integer,
        "score" | "longitude" | "latitude" | "radius" | "width" | "height" => Kind::Double,
        "timeout" if spec.flags.contains(Flags::BLOCKING) && !spec.name.starts_with("wait") => {
            Kind::Double
        }
        "start" | "end" | "stop" if of_texts() => Kind::String,
        "start" | "end" | "stop" => Kind::Integer,
        "min" | "max" if !of_texts() && !spec.name.contains("lex") => Kind::Double,
        "bit" | "client-id" | "count" | "cursor" | "db" | "decrement" | "destination-db"
        | "entries-added" | "entries-read" | "ms"
        | "frequency" | "idle" | "increment" | "index" | "index1" | "index2" | "len" | "limit"
        | "maxage" | "milliseconds" | "min-match-len" | "not-client-id" | "not-db"
        | "num-matches" | "num-vertices" | "numfields" | "numkeys" | "numlocal" | "numreplicas" | "offset"
        | "port" | "protover" | "rank" | "seconds" | "slot" | "timeout" | "ttl" | "version"
        | "weight" => Kind::Integer,
        _ if name.starts_with("unix-time") => Kind::UnixTime,
        _ => Kind::String,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{KeyFlags, KeySpec, all};
    use alloc::format;

    static KEYS: [KeySpec; 1] = [KeySpec::one(1, KeyFlags::RO)];

    /// Arguments as text: name:kind, `?` optional, `*` multiple, the token before it.
    fn shown(args: &[Arg]) -> String {
        let shown = args.iter().map(|arg| {
            let token = arg.token.map_or(String::new(), |token| format!("{token} "));
            let marks = [(arg.optional, "?"), (arg.multiple, "*"), (arg.multiple_token, "+")];
            let marks: String = marks.iter().filter(|(has, _)| *has).map(|(_, m)| *m).collect();
            let inner = match arg.args.is_empty() {
                true => String::new(),
                false => format!("({})", shown(&arg.args)),
            };
            format!("{token}{}:{}{marks}{inner}", arg.name, arg.kind.name())
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn syntaxes_are_read() {
        for (syntax, expected) in [
            ("", ""),
            ("key value", "key:key value:string"),
            ("key [key ...]", "key:key*"),
            ("[pattern [pattern ...]]", "pattern:pattern?*"),
            ("key value [key value ...]", "data:block*(key:key value:string)"),
            ("[NX | XX]", "condition:oneof?(NX nx:pure-token XX xx:pure-token)"),
            ("<ON | OFF>", "enabled:oneof(ON on:pure-token OFF off:pure-token)"),
            ("[ID client-id [client-id ...]]", "ID client-id:integer?*"),
            ("[GET pattern ...]", "GET pattern:pattern?*+"),
            ("[LIMIT offset count]", "LIMIT limit:block?(offset:integer count:integer)"),
            (
                "[BY <BIT | BYTE>]",
                "BY by:oneof?(BIT bit:pure-token BYTE byte:pure-token)",
            ),
            (
                "[[SAVE] [NOW] | ABORT]",
                "options:oneof?(options:block(SAVE save:pure-token? NOW now:pure-token?) \
                 ABORT abort:pure-token)",
            ),
            (
                "[GET a b | [KEEP] SET c ...]",
                "options:oneof?*(GET get:block(a:string b:string) \
                 options:block(KEEP keep:pure-token? SET c:string))",
            ),
            ("[GET a b ...]", "GET get:block?*+(a:string b:string)"),
            ("a | b", "options:oneof(a:string b:string)"),
        ] {
            let spec = Spec::new("x", -1, Flags::empty(), Group::Generic).keys(&KEYS);
            let spec = spec.docs("1.0.0", "", syntax, "");
            assert_eq!(shown(&arguments(&spec)), expected, "{syntax}");
        }
    }

    #[test]
    fn brackets_of_all_rows_close_and_groups_have_parts() {
        fn whole(arg: &Arg) -> bool {
            let is_group = matches!(arg.kind, Kind::OneOf | Kind::Block);
            is_group != arg.args.is_empty() && arg.args.iter().all(whole)
        }
        for spec in all() {
            let count = |c: char| spec.syntax.matches(c).count();
            assert_eq!(count('['), count(']'), "{}", spec.name);
            assert_eq!(count('<'), count('>'), "{}", spec.name);
            assert!(arguments(spec).iter().all(whole), "{}", spec.name);
        }
    }
}
