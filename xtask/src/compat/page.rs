//! `docs/compatibility.md`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::facts::Facts;
use super::{Difference, reasons};

/// The most characters of what differs that are shown.
const CELL: usize = 80;

/// The page.
pub(super) fn page(
    ours: &Facts,
    theirs: &Facts,
    version: &str,
    differences: &[Difference<'_>],
) -> String {
    let version = version.split_whitespace().find_map(|word| word.strip_prefix("v="));
    let mut text = format!(
        "# Compatibility

Larder's commands and settings beside those of Valkey {}. This page is written by

```sh
cargo xtask compat
```

which asks both for COMMAND, COMMAND DOCS and CONFIG GET, and fails when a command's metadata differ
for no stated reason. `cargo xtask test` checks that the page is up to date.

What commands answer is compared in two other ways. The scripts in `cache-core/tests/scripts` hold
commands and their replies; they are run against the engine by `cargo test`, and against any real
server (which they flush) by

```sh
SCRIPTS_AGAINST=127.0.0.1:6379 cargo test -p cache-core --test scripts
```

which shows where it answers otherwise; what a script says of Larder's own name, version and figures
is otherwise in every server. And

```sh
cargo xtask diff
```

sends a million random commands to the engine and to a Valkey whose clock it moves, and compares the
replies, keyspace notifications and invalidations to the byte. The few things that may differ, each
with its reason, are listed in `cache-core/differential/src/normalise.rs`.

",
        version.unwrap_or_default()
    );
    commands(&mut text, ours, theirs);
    metadata(&mut text, differences);
    settings(&mut text, ours, theirs);
    text
}

fn commands(text: &mut String, ours: &Facts, theirs: &Facts) {
    let mut groups: BTreeMap<&str, (Vec<&str>, usize)> = BTreeMap::new();
    let mut absent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, command) in &theirs.commands {
        let group = groups.entry(&command.group).or_default();
        group.1 += 1;
        if ours.commands.contains_key(name) {
            group.0.push(name);
        } else {
            absent.entry(reasons::of_command(name)).or_default().push(name);
        }
    }
    for names in absent.values_mut() {
        // A container stands for its subcommands, when none of them is there.
        let whole = |container: &str| !ours.commands.contains_key(container);
        names.retain(|name| !name.split_once('|').is_some_and(|(container, _)| whole(container)));
    }
    let there: usize = groups.values().map(|(names, _)| names.len()).sum();
    let _ = writeln!(
        text,
        "## Commands\n\n{there} of {}, subcommands counted.\n\n| group | there | of | |\n|---|---|---|---|",
        theirs.commands.len()
    );
    for (group, (names, all)) in &groups {
        let _ = writeln!(text, "| {group} | {} | {all} | {} |", names.len(), listed(names));
    }
    absent.retain(|_, names| !names.is_empty());
    table(text, "\nNot there, with all their subcommands:\n\n| why | commands |", &absent);
    let own: Vec<&str> = ours
        .commands
        .keys()
        .map(String::as_str)
        .filter(|name| !theirs.commands.contains_key(*name))
        .collect();
    if !own.is_empty() {
        let _ = writeln!(text, "\nOnly in Larder: {}.", listed(&own));
    }
}

fn metadata(text: &mut String, differences: &[Difference<'_>]) {
    text.push_str(
        "\n## Metadata\n\nOf the commands that both have, arity, flags, keys, ACL categories, tips, the \
         version that had them first,\ngroup and arguments are the same",
    );
    if differences.is_empty() {
        text.push_str(". Summaries and complexities are Larder's own words.\n");
        return;
    }
    text.push_str(
        ", but for these. Summaries and complexities are Larder's own\nwords.\n\n\
         | command | what | Larder | Valkey | why |\n|---|---|---|---|---|\n",
    );
    for d in differences {
        let cell = |cell: &str| {
            let cut: String = cell.chars().take(CELL).collect();
            let more = if cut.len() < cell.len() { " ..." } else { "" };
            cut.replace('|', "\\|") + more
        };
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            cell(d.command),
            d.field,
            cell(d.ours),
            cell(d.theirs),
            d.reason.unwrap_or("**no reason**"),
        );
    }
}

fn settings(text: &mut String, ours: &Facts, theirs: &Facts) {
    let mut absent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let (mut both, mut own) = (Vec::new(), Vec::new());
    for name in &ours.settings {
        if theirs.settings.contains(name) { both.push(&**name) } else { own.push(&**name) }
    }
    for name in theirs.settings.difference(&ours.settings) {
        absent.entry(reasons::of_setting(name)).or_default().push(name);
    }
    let _ = writeln!(
        text,
        "\n## Settings\n\n{} of {}: {}.",
        both.len(),
        theirs.settings.len(),
        listed(&both)
    );
    if !own.is_empty() {
        let _ = writeln!(text, "\nOnly in Larder: {}.", listed(&own));
    }
    table(text, "\nNot there:\n\n| why | settings |", &absent);
}

fn table(text: &mut String, head: &str, rows: &BTreeMap<&str, Vec<&str>>) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "{head}\n|---|---|");
    for (why, names) in rows {
        let _ = writeln!(text, "| {why} | {} |", listed(names));
    }
}

/// `a`, `b`; a subcommand with a space, as one types it.
fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{}`", name.replace('|', " "))).collect::<Vec<_>>().join(", ")
}
