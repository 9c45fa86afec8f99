//! Latency at a moderate rate while very many keys are loaded: does the server ever stall? Two
//! loads share a machine with it, so the null server's figures tell what part is the machine's; and
//! a stall of the server's own comes in every round, another program's does not.

use anyhow::{Context, Result};

use super::Size;
use super::load::{self, Figures, Load};
use super::peers::Peer;
use super::speed::VALUE;

/// Requests a second: GETs whose latency counts, and SETs that load.
pub(crate) const GETS: u32 = 5_000;
pub(crate) const SETS: u32 = 200_000;
/// SETs come so many at a time, as a program that loads sends them.
const BURST: u32 = 64;

/// What one server did; each figure the best of the rounds.
pub(crate) struct Loading {
    pub(crate) peer: &'static str,
    pub(crate) gets: Figures,
    /// SETs a second that it took.
    pub(crate) loaded: f64,
}

impl Loading {
    fn take_better(&mut self, other: &Loading) {
        let (gets, new) = (&mut self.gets, &other.gets);
        gets.latency = gets.latency.best(new.latency);
        gets.late = gets.late.into_iter().chain(new.late).reduce(f64::min);
        gets.unsent = gets.unsent.min(new.unsent);
        self.loaded = self.loaded.max(other.loaded);
    }
}

/// The figures of each peer.
pub(crate) fn measure(peers: &[Peer], size: &Size) -> Result<Vec<Loading>> {
    let mut all: Vec<Loading> = Vec::new();
    for (round, peer) in (1..=size.rounds).flat_map(|r| peers.iter().map(move |p| (r, p))) {
        let loading = one(peer, size).with_context(|| peer.name.to_owned())?;
        let l = loading.gets.latency;
        println!(
            "while loading, round {round} of {}: {:<9} p50 {:.3} ms, p99 {:.3}, p99.9 {:.3}, p99.99 {:.3}, max {:.3}",
            size.rounds, peer.name, l.p50, l.p99, l.p999, l.p9999, l.max
        );
        match all.iter_mut().find(|known| known.peer == peer.name) {
            Some(known) => known.take_better(&loading),
            None => all.push(loading),
        }
    }
    Ok(all)
}

fn one(peer: &Peer, size: &Size) -> Result<Loading> {
    let server = peer.start()?;
    if peer.keeps {
        load::fill(peer, &server, size.keys, VALUE, "")?;
    }
    let loaded = size.loaded;
    let sets = format!(
        "--distribution sequential --ratio 1:0 -r {loaded} -n {loaded} -d {VALUE} -c 4 -P 64 \
         --key-prefix new: --rate {SETS} --burst {BURST}"
    );
    let seconds = f64::from(loaded) / f64::from(SETS);
    let gets =
        format!("--ratio 0:1 -r {} -c 50 -P 16 --rate {GETS} --duration {seconds}", size.keys);
    let loader = Load::start(peer, &server, "loader", &sets)?;
    let gets = load::run(peer, &server, &gets)?;
    Ok(Loading { peer: peer.name, gets, loaded: loader.finish()?.rate })
}
