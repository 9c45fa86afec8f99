//! What a run is made of: what clients say, and time that passes.

/// The arguments of a command, its name first.
pub(crate) type Words = Vec<Vec<u8>>;

/// Clients that say things; the last one listens to channels.
pub(crate) const CLIENTS: usize = 5;
/// The client that subscribes.
pub(crate) const LISTENER: usize = CLIENTS - 1;
/// One more, which looks after the run itself.
pub(crate) const KEEPER: usize = CLIENTS;
/// One that hears what happens to keys.
pub(crate) const WATCHER: usize = CLIENTS + 1;
/// One that hears which keys have changed, whoever reads them: only RESP3 has that.
pub(crate) const TRACKER: usize = CLIENTS + 2;
/// All of them.
pub(crate) const EVERYONE: usize = CLIENTS + 3;
/// Databases that keys are in.
pub(crate) const DATABASES: usize = 2;

/// A step of a run.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A client sends these in one piece; one that is blocked is spared it.
    Say { client: usize, commands: Vec<Words> },
    /// So many milliseconds pass.
    Wait(u64),
}

/// The name in small letters, with its subcommand when the first word is a container's.
pub(crate) fn name(words: &Words) -> String {
    let word = |at: usize| words.get(at).map(|w| String::from_utf8_lossy(w).to_ascii_lowercase());
    let first = word(0).unwrap_or_default();
    if let Some(second) = word(1) {
        let full = format!("{first}|{second}");
        if cache_core::commands::find(full.as_bytes()).is_some() {
            return full;
        }
    }
    first
}
