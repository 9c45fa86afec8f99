//! A story as a script for `cache-core/tests/scripts`, with the real server's replies.

use std::fmt::Write;

use anyhow::Result;
use cache_core::protocol::display;

use crate::run::Run;
use crate::server::Server;
use crate::story::Step;

/// Plays the story once more, and writes down what the server answers, as far as both agree and the
/// first thing on which they don't.
pub(crate) fn write(server: &mut Server, resp: &'static str, steps: &[Step]) -> Result<String> {
    let mut script = String::new();
    let mut run = Run::begin(server, resp)?;
    run.record = true;
    if resp == "3" {
        script.push_str("# Each connection begins with HELLO 3.\n");
    }
    for step in steps {
        let speaker = match step {
            Step::Wait(ms) => {
                let _ = writeln!(script, "@ +{ms}ms");
                None
            }
            Step::Say { client, commands } => {
                for words in commands {
                    let words: Vec<String> = words.iter().map(|w| word(w)).collect();
                    let _ = writeln!(script, "{}> {}", number(*client), words.join(" "));
                }
                Some(*client)
            }
        };
        let (difference, seen) = run.step(step)?;
        for (_, replies) in seen.iter().filter(|(client, _)| Some(*client) == speaker) {
            write_replies(&mut script, replies);
        }
        for (client, replies) in seen.iter().filter(|(client, _)| Some(*client) != speaker) {
            let _ = writeln!(script, "{}<", number(*client));
            write_replies(&mut script, replies);
        }
        if difference.is_some() {
            break;
        }
    }
    Ok(script)
}

fn write_replies(script: &mut String, replies: &[String]) {
    for reply in replies {
        let _ = writeln!(script, "{reply}");
    }
}

/// The first client has no number.
fn number(client: usize) -> String {
    if client == 0 { String::new() } else { (client + 1).to_string() }
}

/// A word as one types it, with quotes where it needs them.
pub(crate) fn word(word: &[u8]) -> String {
    let plain = |b: &u8| b.is_ascii_graphic() && !b"\"'\\".contains(b);
    if !word.is_empty() && word.iter().all(plain) {
        String::from_utf8_lossy(word).into_owned()
    } else {
        display::quote(word)
    }
}
