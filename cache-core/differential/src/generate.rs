//! Steps from a seed: commands made from the engine's own table, right ones and wrong ones.

use crate::pools;
use crate::random::Random;
use crate::server::LOG_IN;
use crate::story::{CLIENTS, LISTENER, Step, Words};
use crate::table::{Arg, Command, Kind};

/// The most commands that a client sends in one piece.
const PIPELINE: usize = 120;

/// Makes steps.
pub(crate) struct Generator<'a> {
    commands: &'a [Command],
    /// The weights of all commands together.
    weight: usize,
    random: Random,
    /// For each client that is in a transaction: after how many commands it shall end.
    multi: [Option<usize>; CLIENTS],
    /// Who may be sent what nobody asked for.
    hears: [bool; CLIENTS],
}

impl<'a> Generator<'a> {
    pub(crate) fn new(commands: &'a [Command], seed: u64) -> Self {
        let weight = commands.iter().map(|c| c.weight).sum();
        Generator {
            commands,
            weight,
            random: Random::new(seed),
            multi: [None; CLIENTS],
            hears: [false; CLIENTS],
        }
    }

    /// The next step.
    pub(crate) fn step(&mut self) -> Step {
        let random = &mut self.random;
        if random.one_in(3) {
            let spans = [1, 2, 5, 20, 50, 100, 500, 1000, 1000, 2000, 10_000, 60_000];
            return Step::Wait(*random.pick(&spans));
        }
        let client = random.below(CLIENTS);
        let most = if client == LISTENER || random.one_in(4) { 6 } else { PIPELINE };
        let count = 1 + random.below(most);
        let mut commands = Vec::new();
        while commands.len() < count {
            if self.say(client, &mut commands) {
                // What may block ends a piece but for what touches no data: see `Run::step`. Valkey has
                // what stands behind it wait for the rest of the pipeline that ended its waiting, so
                // that those who are sent messages would hear more before it.
                if self.random.one_in(3) && !self.hears[client] {
                    commands.push(vec![b"PING".to_vec(), b"behind".to_vec()]);
                }
                break;
            }
        }
        Step::Say { client, commands }
    }

    /// Adds a command, and what must follow it; says whether it may block.
    fn say(&mut self, client: usize, out: &mut Vec<Words>) -> bool {
        if let Some(left) = self.multi[client].as_mut() {
            if *left == 0 {
                self.multi[client] = None;
                let end = if self.random.one_in(10) { "DISCARD" } else { "EXEC" };
                out.push(vec![end.into()]);
                return false;
            }
            *left -= 1;
        }
        let command = self.choose(client);
        let mut words = self.command(command);
        if let Some(key) = lexical(command.spec.name, &words)
            && words.len() > key
        {
            words[key] = format!("y{}", self.random.below(3)).into_bytes();
            if self.random.one_in(2) {
                out.push(self.of_one_score(words[key].clone()));
            }
        }
        let name = command.spec.name;
        self.hears[client] |= name.ends_with("subscribe") || name == "client|tracking";
        if name == "client|tracking" {
            // Valkey tells at the end of a turn what is broadcast: only one client listens to that.
            words.retain(|word| !word.eq_ignore_ascii_case(b"bcast"));
        }
        let undo = undo(command.spec.name, &words);
        let is_reset = command.spec.name == "reset";
        if command.spec.name == "multi" && words.len() == 1 && client != LISTENER {
            self.multi[client] = Some(self.random.below(8));
        }
        out.push(words);
        out.extend(undo);
        if is_reset {
            // Not for long: what is sent before one logs in is read otherwise where it is read ahead.
            let refused = *self.random.pick(&["GET s0", "MULTI", "PING", "HELLO 3"]);
            out.push(refused.split(' ').map(Into::into).collect());
            out.push(LOG_IN.iter().map(|&word| word.into()).collect());
        }
        command.blocks()
    }

    /// Adds members to a sorted set in which all have the same score.
    fn of_one_score(&mut self, key: Vec<u8>) -> Words {
        let mut words = vec![b"ZADD".to_vec(), key];
        for _ in 0..self.several() {
            words.extend([b"0".to_vec(), format!("m{}", self.random.below(12)).into_bytes()]);
        }
        words
    }

    fn choose(&mut self, client: usize) -> &'a Command {
        let listens =
            |c: &Command| matches!(c.spec.name, "subscribe" | "psubscribe" | "ssubscribe");
        loop {
            let mut at = self.random.below(self.weight);
            let found = self.commands.iter().find(|c| {
                let here = at < c.weight;
                at = at.wrapping_sub(c.weight);
                here
            });
            let Some(command) = found else { continue };
            // Only one client listens, so that others aren't held back by RESP2; and it makes no
            // transactions, in which its messages would have no place of their own.
            let fits = if client == LISTENER {
                !matches!(command.spec.name, "multi" | "watch")
            } else {
                !listens(command) && !command.spec.name.ends_with("unsubscribe")
            };
            if fits {
                return command;
            }
        }
    }

    fn command(&mut self, command: &'a Command) -> Words {
        let mut words: Words =
            command.words().map(|w| w.to_ascii_uppercase().into_bytes()).collect();
        let named = words.len();
        self.args(command, &command.args, &mut words);
        if self.random.one_in(30) {
            self.spoil(&mut words, named);
        }
        words
    }

    /// Makes a command wrong, most likely.
    fn spoil(&mut self, words: &mut Words, named: usize) {
        const ODD: &[&str] =
            &["", "x", "NX", "LIMIT", "COUNT", "-1", "nosuch", "\u{7}", "WITHSCORES", "*"];
        let odd = self.random.pick(ODD).as_bytes().to_vec();
        let at = self.random.below(words.len());
        match self.random.below(6) {
            0 => drop(words.pop()),
            1 => words.push(odd),
            2 if words.len() > named => words.truncate(named),
            3 if at >= named => words[at] = odd,
            4 if words.len() > named => words.insert(named + (at % (words.len() - named)), odd),
            5 if self.random.one_in(8) => words[at] = odd,
            _ => words[0].make_ascii_lowercase(),
        }
        if words.is_empty() {
            words.push(b"PING".to_vec());
        }
    }

    /// Arguments in a row.
    fn args(&mut self, command: &Command, args: &[Arg], out: &mut Words) {
        let mut order: Vec<&Arg> = args.iter().collect();
        // Options may stand in any order.
        if let Some(first) =
            args.iter().position(|a| a.optional && (a.token.is_some() || a.kind == Kind::OneOf))
            && args[first..].iter().all(|a| a.optional)
            && self.random.one_in(3)
        {
            self.random.shuffle(&mut order[first..]);
        }
        // How many there are of what is counted by the argument before it.
        let mut counted: Option<usize> = None;
        // How many keys stood there last: a stream has an ID for each.
        let mut keys = None;
        for (at, arg) in order.iter().enumerate() {
            if arg.optional && !self.random.one_in(3) {
                continue;
            }
            let counts = matches!(arg.name.as_str(), "numkeys" | "numfields" | "count")
                && arg.token.as_deref().is_none_or(|token| token == "FIELDS")
                && !arg.optional
                && order[at + 1..].iter().any(|a| a.multiple);
            if counts {
                out.extend(arg.token.as_ref().map(|token| token.clone().into_bytes()));
                let n = 1 + self.random.below(3);
                counted = Some(n);
                let said =
                    if self.random.one_in(20) { self.random.below(5) as i64 } else { n as i64 };
                out.push(said.to_string().into_bytes());
                continue;
            }
            let times = match (arg.multiple, arg.name.as_str()) {
                (false, _) => 1,
                (true, "id") if keys.is_some() && !self.random.one_in(12) => keys.unwrap_or(1),
                (true, _) => counted.take().unwrap_or_else(|| self.several()),
            };
            if arg.kind == Kind::Key {
                keys = Some(times);
            }
            self.repeat(command, arg, times, out);
        }
    }

    /// Mostly one or two, sometimes many.
    fn several(&mut self) -> usize {
        match self.random.below(16) {
            0 => 4 + self.random.below(12),
            n => 1 + n % 3,
        }
    }

    fn repeat(&mut self, command: &Command, arg: &Arg, times: usize, out: &mut Words) {
        for time in 0..times {
            if let Some(token) = &arg.token
                && (time == 0 || arg.multiple_token)
            {
                let small = self.random.one_in(20);
                let token = if small { token.to_ascii_lowercase() } else { token.clone() };
                // An empty one stands for a group whose parts have tokens.
                if !token.is_empty() {
                    out.push(token.into_bytes());
                }
            }
            match arg.kind {
                Kind::Token => {}
                Kind::Block => self.args(command, &arg.args, out),
                Kind::OneOf => {
                    let chosen = self.random.pick(&arg.args).clone();
                    let chosen = Arg { optional: false, ..chosen };
                    self.args(command, &[chosen], out);
                    if self.random.one_in(40) {
                        let second = Arg { optional: false, ..self.random.pick(&arg.args).clone() };
                        self.args(command, &[second], out);
                    }
                }
                _ => {
                    let (name, group) = (command.spec.name, command.spec.group.name());
                    out.push(pools::draw(&mut self.random, name, group, arg));
                }
            }
        }
    }
}

/// Where the key stands of a command that goes by members' order. That means something only where all
/// scores are equal, so it gets one of the keys of which this is true.
fn lexical(name: &str, words: &Words) -> Option<usize> {
    let by_lex = || words.iter().any(|word| word.eq_ignore_ascii_case(b"bylex"));
    match name {
        "zrangestore" if by_lex() => Some(2),
        "zrange" if by_lex() => Some(1),
        _ => name.contains("lex").then_some(1),
    }
}

/// What makes both sides hold the same data again: members that were popped at random, sums of
/// floats that have 80 bits on one side and are exact on the other, keys set to have expired already,
/// which SCAN removes on one side.
fn undo(name: &str, words: &Words) -> Option<Words> {
    let (undo, from, step, most) = match name {
        "spop" | "incrbyfloat" => ("DEL", 1, 1, 1),
        "hincrbyfloat" => ("HDEL", 1, 1, 2),
        "msetex" => ("EXISTS", 2, 2, usize::MAX),
        _ => return None,
    };
    let args = words.iter().skip(from).step_by(step).take(most).cloned();
    Some([undo.as_bytes().to_vec()].into_iter().chain(args).collect())
}
