//! What a server says of itself: its commands with their metadata, and its settings by name.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use cache_core::protocol::Value;

/// What is compared of a command, in the order of the page.
pub(super) const FIELDS: &[&str] = &[
    "arity",
    "flags",
    "key range",
    "ACL categories",
    "tips",
    "key specifications",
    "since",
    "group",
    "arguments",
];

/// Whoever answers a command in RESP3.
pub(super) trait Ask {
    fn ask(&mut self, command: &[&str]) -> Result<Value>;
}

/// What is compared of a command: a text for each of [`FIELDS`].
pub(super) struct Command {
    pub(super) group: String,
    fields: BTreeMap<&'static str, String>,
}

impl Command {
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// What a server has.
pub(super) struct Facts {
    /// By name; subcommands as `container|name`.
    pub(super) commands: BTreeMap<String, Command>,
    /// The names of its settings.
    pub(super) settings: BTreeSet<String>,
}

impl Facts {
    /// Asks a server.
    pub(super) fn of(server: &mut dyn Ask) -> Result<Self> {
        let mut commands = BTreeMap::new();
        for row in items(&server.ask(&["COMMAND"])?)? {
            read_info(row, &mut commands)?;
        }
        read_docs(&server.ask(&["COMMAND", "DOCS"])?, &mut commands)?;
        let settings = server.ask(&["CONFIG", "GET", "*"])?;
        let settings = pairs(&settings)?.iter().map(|(name, _)| text(name)).collect::<Result<_>>();
        Ok(Self { commands, settings: settings? })
    }
}

/// Reads a row of COMMAND, and its subcommands'.
fn read_info(row: &Value, commands: &mut BTreeMap<String, Command>) -> Result<()> {
    let [name, arity, flags, first, last, step, categories, tips, keys, subs, ..] = items(row)?
    else {
        bail!("a row of COMMAND is too short: {row:?}");
    };
    let range = [first, last, step].map(shown).join(" ");
    for sub in items(subs)? {
        read_info(sub, commands)?;
    }
    let fields = [
        ("arity", shown(arity)),
        ("flags", shown(flags)),
        ("key range", range),
        ("ACL categories", shown(categories)),
        ("tips", shown(tips)),
        ("key specifications", shown(keys)),
    ];
    commands.insert(text(name)?, Command { group: String::new(), fields: fields.into() });
    Ok(())
}

/// Reads what COMMAND DOCS says of commands that are known already.
fn read_docs(docs: &Value, commands: &mut BTreeMap<String, Command>) -> Result<()> {
    for (name, about) in pairs(docs)? {
        let name = text(name)?;
        let about = pairs(about)?;
        let of = |wanted: &str| {
            about.iter().find(|(name, _)| name.as_text() == Some(wanted)).map(|(_, value)| value)
        };
        if let Some(subs) = of("subcommands") {
            read_docs(subs, commands)?;
        }
        let command = commands.get_mut(&name).with_context(|| format!("{name} has no row"))?;
        for field in ["since", "group"] {
            command.fields.insert(field, of(field).map(shown).unwrap_or_default());
        }
        let args = of("arguments").map_or(Ok(String::new()), arguments)?;
        command.fields.insert("arguments", args);
        command.group = command.field("group").to_owned();
    }
    Ok(())
}

/// Arguments as a line: `TOKEN name:type`, then `?` for optional, `*` for multiple, `+` for a token
/// with each, and in brackets what a group holds.
fn arguments(args: &Value) -> Result<String> {
    let mut line = Vec::new();
    for arg in items(args)? {
        let about = pairs(arg)?;
        let of = |wanted: &str| {
            about.iter().find(|(name, _)| name.as_text() == Some(wanted)).map(|(_, value)| value)
        };
        let kind = of("type").map(shown).unwrap_or_default();
        let group = kind == "oneof" || kind == "block";
        let token = of("token").map(|t| format!("{} ", shown(t))).unwrap_or_default();
        // What a group or a token alone is called, no client ever shows.
        let name = if group || kind == "pure-token" {
            kind
        } else {
            format!("{}:{kind}", of("display_text").map(shown).unwrap_or_default())
        };
        let key = of("key_spec_index").map(|n| format!("#{}", shown(n))).unwrap_or_default();
        let flags = of("flags").map(shown).unwrap_or_default();
        let marks: String = [("multiple_token", '+'), ("multiple", '*'), ("optional", '?')]
            .iter()
            .filter(|(flag, _)| flags.split(' ').any(|f| f == *flag))
            .map(|(_, mark)| *mark)
            .collect();
        let inner = of("arguments").map(arguments).transpose()?;
        line.push(match inner {
            // A block's token is the first of its parts; some give it to that part.
            Some(inner) if name == "block" => format!("{name}{marks}({token}{inner})"),
            Some(inner) => format!("{token}{name}{marks}({inner})"),
            None => format!("{token}{name}{key}{marks}"),
        });
    }
    Ok(line.join(" "))
}

/// A reply as text. Sets and maps are sorted, since their order says nothing.
fn shown(value: &Value) -> String {
    match value {
        Value::Integer(n) => n.to_string(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        Value::Set(items) => {
            let mut items: Vec<_> = items.iter().map(shown).collect();
            items.sort();
            items.join(" ")
        }
        Value::Map(pairs) => {
            let mut pairs: Vec<_> =
                pairs.iter().map(|(k, v)| format!("{}={}", shown(k), shown(v))).collect();
            pairs.sort();
            format!("{{{}}}", pairs.join(", "))
        }
        Value::Null => "nil".to_owned(),
        other => other.as_text().unwrap_or("?").to_owned(),
    }
}

fn text(value: &Value) -> Result<String> {
    value.as_text().map(str::to_owned).with_context(|| format!("{value:?} is no text"))
}

fn items(value: &Value) -> Result<&[Value]> {
    match value {
        Value::Array(items) | Value::Set(items) => Ok(items),
        other => bail!("{other:?} is no array"),
    }
}

fn pairs(value: &Value) -> Result<&[(Value, Value)]> {
    match value {
        Value::Map(pairs) => Ok(pairs),
        other => bail!("{other:?} is no map"),
    }
}
