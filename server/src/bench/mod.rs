//! `larder bench`: a load generator for servers that speak Redis's or Memcached's protocol.
//!
//! `options` makes a plan of the command line; each run of it is shared among threads (`worker`).
//! Their connections send what `workload` picks and `template` encodes, with `keys`, when `pace`
//! says, and count what `replies` finds; `tally` is what they measured, `report` shows it. What must
//! never be here: anything that knows which server it speaks to.

mod connection;
mod keys;
mod options;
mod pace;
mod progress;
mod replies;
mod report;
mod tally;
mod template;
mod worker;
mod workload;

pub(crate) use options::Options;

use connection::Connection;
use keys::{Keys, Random};
use options::{Plan, Run};
use pace::Pace;
use progress::Progress;
use replies::Protocol;
use report::Finished;
use std::error::Error;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tally::{Counters, Tally};

/// How often the progress is looked at, and whether the threads have ended.
const LOOK: Duration = Duration::from_millis(20);

/// Does what the options ask and prints the results, also those of a run that was cut short.
pub(crate) fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let plan = options.plan()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The second one ends at once.
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&interrupted))?;
        signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
    }
    crate::limits::allow_connections(u64::from(plan.clients))?;
    let address = reach(&plan)?;
    let to_stdout = plan.json.as_deref() == Some(Path::new("-"));
    if !to_stdout {
        say(&format!("{}\n", report::heading(&plan)));
    }
    let mut finished = Vec::new();
    for run in &plan.runs {
        let tally = one(&plan, run, address, &interrupted)?;
        finished.push(Finished { run, tally });
        let last = &finished[finished.len() - 1];
        if !to_stdout {
            say(&report::table(last));
        }
        let not_loaded = run.prefill && last.tally.all().errors > 0;
        if not_loaded || last.tally.failure.is_some() || interrupted.load(Ordering::Relaxed) {
            break;
        }
    }
    if let Some(file) = &plan.json {
        let json = report::json(&plan, &finished, interrupted.load(Ordering::Relaxed));
        let text = format!("{json:#}\n");
        if to_stdout {
            say(&text);
        } else {
            std::fs::write(file, text).map_err(|e| format!("--json {}: {e}", file.display()))?;
        }
    }
    verdict(&finished)
}

/// Whether what was measured is what was asked for.
fn verdict(finished: &[Finished<'_>]) -> Result<(), Box<dyn Error>> {
    for Finished { run, tally } in finished {
        if let Some(failure) = &tally.failure {
            return Err(failure.clone().into());
        }
        let errors = tally.all().errors;
        if run.prefill && errors > 0 {
            let first = tally.first_error.as_deref().unwrap_or_default();
            return Err(format!("{errors} keys could not be loaded: {first}").into());
        }
    }
    Ok(())
}

/// The first of the server's addresses that takes a connection and answers on it.
fn reach(plan: &Plan) -> Result<SocketAddr, String> {
    let Plan { host, port, .. } = plan;
    let found = (host.as_str(), *port).to_socket_addrs();
    let addresses = found.map_err(|error| format!("--host {host}: {error}"))?;
    let (login, replies) = greeting(plan);
    let probe: &[u8] = match plan.style.protocol {
        Protocol::Resp => b"*1\r\n$4\r\nPING\r\n",
        Protocol::Memcached => b"version\r\n",
    };
    let mut refusal = format!("--host {host}: it has no address");
    for address in addresses {
        let hello = [&login, probe].concat();
        match Connection::open(address, plan.style.protocol, &hello, replies + 1) {
            Ok(_) => return Ok(address),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

/// What every connection says first, and how many replies there are to it.
fn greeting(plan: &Plan) -> (Vec<u8>, usize) {
    if plan.login.is_empty() {
        return (Vec::new(), 0);
    }
    let mut bytes = format!("*{}\r\n$4\r\nAUTH\r\n", plan.login.len() + 1);
    for word in &plan.login {
        bytes += &format!("${}\r\n{word}\r\n", word.len());
    }
    (bytes.into_bytes(), 1)
}

/// Connects, runs and puts together what the threads measured.
fn one(
    plan: &Plan,
    run: &Run,
    address: SocketAddr,
    interrupted: &AtomicBool,
) -> Result<Tally, String> {
    let parts = u64::from(plan.threads);
    let (login, replies) = greeting(plan);
    let mut connections: Vec<Vec<Connection>> = (0..parts).map(|_| Vec::new()).collect();
    for at in 0..plan.clients {
        let connection = Connection::open(address, plan.style.protocol, &login, replies)?;
        connections[(at % plan.threads) as usize].push(connection);
        if interrupted.load(Ordering::Relaxed) {
            return Err("interrupted while connecting".into());
        }
    }
    let keys = Keys::new(plan.keyspace, run.distribution);
    let counters: Vec<Counters> = (0..parts).map(|_| Counters::default()).collect();
    let shared = worker::Shared {
        workload: &run.workload,
        pipeline: run.pipeline as usize,
        start: Instant::now(),
        duration: run.duration,
        requests: run.requests,
        taken: AtomicU64::new(0),
        interrupted,
        failed: AtomicBool::new(false),
    };
    let mut tally = Tally::new(run.workload.ops.len());
    thread::scope(|scope| {
        let threads: Vec<_> = (0..parts)
            .zip(connections)
            .zip(&counters)
            .map(|((part, connections), counters)| {
                let own = worker::Own {
                    connections,
                    keys: keys.clone(),
                    random: Random::new(plan.seed, part),
                    pace: run.rate.map(|(rate, burst)| Pace::new(rate, burst, part, parts)),
                    counters,
                };
                let shared = &shared;
                scope.spawn(move || worker::run(shared, own))
            })
            .collect();
        let mut progress = Progress::new(&run.workload.name, &counters, run.duration, run.requests);
        while threads.iter().any(|thread| !thread.is_finished()) {
            progress.tick();
            thread::sleep(LOOK);
        }
        progress.finish();
        for thread in threads {
            match thread.join() {
                Ok(measured) => tally.add(&measured),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    Ok(tally)
}

/// Prints at once. Who reads no more misses nothing.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
