//! A fleet: nodes, clients, the network between them and their disks, under faults, from one seed.
//!
//! - [`world`](self) has the clock; `network` and `disk` are what can fail; `host` drives a node, `client`
//!   asks it; `faults` draws what goes wrong; `history` judges what clients heard; `rounds` lets load and
//!   faults alternate with calm, in which all nodes must come to hold the same.
//!
//! What a seed gives is the same on every platform, to the byte: [`play`]. What must never be here: a
//! clock, a thread, a file, the order of a hash table.

mod agreement;
mod calls;
mod chatter;
mod client;
mod disk;
mod faults;
mod files;
mod history;
mod host;
mod network;
mod plan;
mod plants;
mod record;
mod rounds;
mod world;

#[cfg(test)]
mod tests;

pub use plan::Plant;
pub use rounds::{Report, play};

use crate::random::{Purpose, Random};
use agreement::Moments;
use client::{Client, Line};
use faults::{Fault, Faults};
use history::History;
use host::{Host, Wish};
use network::{Arrived, Machine, Network, Parcel, WireId};
use plan::{Keeps, Plan};
use record::{Note, digest, shown};
use world::{Step, World};

/// All of a fleet.
#[derive(Clone, Debug)]
struct Fleet {
    plan: Plan,
    world: World,
    network: Network,
    hosts: Vec<Host>,
    clients: Vec<Client>,
    history: History,
    faults: Faults,
    moments: Moments,
    /// Whether clients ask and faults come.
    is_loaded: bool,
    steps: u64,
    /// The first thing that can't be.
    wrong: Option<String>,
    /// How often the planted bug has struck.
    planted: u32,
}

impl Fleet {
    fn new(plan: Plan, seed: u64) -> Self {
        let mut world = World::new();
        let machines = plan.nodes + plan.writers + plan.readers;
        let mut seeds = Random::new(seed, Purpose::Node);
        let mut host = |id: Machine| {
            let seeds = Random::new(seeds.next_u64(), Purpose::Node);
            Host::new(id, plan.settings_of(id), plan.keeps != Keeps::Nothing, seeds)
        };
        let mut hosts: Vec<Host> = (0..plan.nodes).map(&mut host).collect();
        for host in &mut hosts {
            host.disk.ailment.lies = plan.plant == Plant::LyingDisk;
            host.start(&mut world);
        }
        let mut dice = Random::new(seed, Purpose::Clients);
        let clients = (0..plan.writers + plan.readers)
            .map(|at| {
                Client::new(at < plan.writers, Random::new(dice.next_u64(), Purpose::Clients))
            })
            .collect();
        for client in plan.nodes..machines {
            world.plan_in(u64::from(client) * 1000, Step::Go { client });
        }
        Fleet {
            network: Network::new(machines, plan.links, Random::new(seed, Purpose::Links)),
            history: History::new(client::REGISTERS + client::PAIRS, 0),
            faults: Faults::new(Random::new(seed, Purpose::Faults)),
            moments: Moments::default(),
            plan,
            world,
            hosts,
            clients,
            is_loaded: true,
            steps: 0,
            wrong: None,
            planted: 0,
        }
    }

    /// Lets time go on to `until_us`, or to the first thing that can't be.
    fn advance_to(&mut self, until_us: u64) {
        while self.wrong.is_none()
            && let Some((at_us, step)) = self.world.queue.next_until(until_us)
        {
            self.world.now_us = at_us;
            self.steps += 1;
            self.handle(step);
        }
        self.world.now_us = self.world.now_us.max(until_us);
    }

    fn handle(&mut self, step: Step) {
        match step {
            Step::Arrive { wire, end, parcel } => {
                if let Some(arrived) = self.network.arrive(wire, end, parcel) {
                    self.arrived(wire, 1 - end, arrived);
                }
            }
            Step::Release { wire, end } => {
                for arrived in self.network.released(wire, end) {
                    self.arrived(wire, 1 - end, arrived);
                }
            }
            Step::Resume { wire, end } => {
                while let Some(arrived) = self.network.next_waiting(wire, end) {
                    self.take(wire, end, arrived);
                }
            }
            Step::Broken { wire, end } => self.learn(wire, end),
            Step::Knock(call) => self.knock(call),
            Step::Answer(call, outcome) => self.answer(call, outcome),
            Step::Turn { host, plan } => self.hosts[host as usize].turn(&mut self.world, plan),
            Step::TurnEnd { host, plan } => {
                let Fleet { world, network, hosts, .. } = self;
                for wish in hosts[host as usize].turn_end(world, network, plan) {
                    self.grant(host, wish);
                }
                self.compare(host);
                self.forget_expiry(host);
            }
            Step::Disk { host, boot, lane } => {
                self.hosts[host as usize].disk_done(&mut self.world, boot, lane);
            }
            Step::Up { host, boot } => self.start(host, boot),
            Step::Go { client } => self.go(client),
            Step::Fault => self.next_fault(),
            Step::Relief(number) => self.relieve(number),
        }
    }

    fn client(&mut self, machine: Machine) -> &mut Client {
        &mut self.clients[(machine - self.plan.nodes) as usize]
    }

    fn boot_of(&self, machine: Machine) -> u32 {
        self.hosts.get(machine as usize).map_or(0, |host| host.boot)
    }

    /// Something reaches an end of a connection, unless a planted bug harms it.
    fn arrived(&mut self, wire: WireId, end: usize, arrived: Arrived) {
        if self.plan.plant == Plant::None {
            return self.take(wire, end, arrived);
        }
        for arrived in self.harmed(end, arrived) {
            self.take(wire, end, arrived);
        }
    }

    /// Something has reached an end of a connection.
    fn take(&mut self, wire: WireId, end: usize, Arrived { machine, parcel }: Arrived) {
        self.world.tell(&match &parcel {
            Parcel::Bytes(bytes) => {
                let len = bytes.len() as u32;
                Note::Arrived { wire, to: machine, len, digest: digest(bytes) }
            }
            Parcel::End => Note::Ended { wire, to: machine },
        });
        let Fleet { world, network, hosts, .. } = self;
        let Some(host) = hosts.get_mut(machine as usize) else {
            return self.hear(wire, end, machine, &parcel);
        };
        let waits = host.take(world, network, (wire, end), &parcel);
        self.make_room(waits, wire);
    }

    fn make_room(&mut self, waits: Option<Machine>, wire: WireId) {
        let Fleet { world, network, hosts, .. } = self;
        if let Some(host) = waits.and_then(|waits| hosts.get_mut(waits as usize)) {
            host.has_room(world, network, wire);
        }
    }

    /// A client hears something.
    fn hear(&mut self, wire: WireId, end: usize, machine: Machine, parcel: &Parcel) {
        let Line::Open(node, open) = self.client(machine).line else { return };
        if open != wire {
            return;
        }
        let Parcel::Bytes(bytes) = parcel else {
            self.client(machine).hang_up();
            return self.network.close(&mut self.world, wire, end);
        };
        let waits = self.network.taken(wire, end, bytes.len());
        let now_us = self.world.now_us;
        let at = (machine - self.plan.nodes) as usize;
        let told = self.clients[at].hear(now_us, bytes, node, &mut self.history);
        for reply in told.replies {
            self.world.tell(&Note::Heard { client: machine, reply });
        }
        self.wrong = self.wrong.take().or(told.wrong);
        self.make_room(waits, wire);
    }

    /// A client does what it does next.
    fn go(&mut self, machine: Machine) {
        let now_us = self.world.now_us;
        let is_loaded = self.is_loaded;
        let nodes = self.plan.nodes;
        let client = self.client(machine);
        let pause_us = client.pause_us();
        let line = client.line;
        match line {
            Line::Idle if is_loaded => {
                let to = client.choose(nodes);
                client.line = Line::Dialing(to);
                client.dial += 1;
                let dial = client.dial;
                self.call(machine, to, dial);
            }
            Line::Open(_, wire) if client.is_impatient(now_us) => {
                client.hang_up();
                self.world.tell(&Note::GaveUp { client: machine });
                self.network.close(&mut self.world, wire, 0);
            }
            Line::Open(_, wire) if client.is_fickle() => {
                client.hang_up();
                self.network.close(&mut self.world, wire, 0);
            }
            Line::Open(node, wire) if is_loaded => {
                let at = (machine - nodes) as usize;
                let asked = self.clients[at].ask(now_us, node, &mut self.history);
                if let Some(bytes) = asked {
                    let command = shown(&bytes);
                    self.world.tell(&Note::Asked { client: machine, of: node, command });
                    self.network.send(&mut self.world, wire, 0, &bytes);
                }
            }
            _ => {}
        }
        self.world.plan_in(pause_us, Step::Go { client: machine });
    }

    /// An end learns that its connection has broken.
    fn learn(&mut self, wire: WireId, end: usize) {
        let Some(machine) = self.network.learn(wire, end) else { return };
        self.world.tell(&Note::Broken { wire, at: machine });
        let Fleet { world, hosts, .. } = self;
        if let Some(host) = hosts.get_mut(machine as usize) {
            host.lose(world, wire, end);
        } else if matches!(self.client(machine).line, Line::Open(_, open) if open == wire) {
            self.client(machine).hang_up();
        }
        self.network.learnt(wire);
    }

    /// Does for a host what it can't do for itself.
    fn grant(&mut self, machine: Machine, wish: Wish) {
        match wish {
            Wish::End => self.end(machine),
            Wish::Halt(line) => {
                self.halted(machine, &line);
                self.world.tell(&Note::Log { host: machine, line });
                self.end(machine);
            }
            Wish::Call(to, dial) => self.call(machine, to, dial),
            Wish::CallNobody(dial) => {
                let boot = self.boot_of(machine);
                let Fleet { world, hosts, .. } = self;
                hosts[machine as usize].dialed(
                    world,
                    (boot, dial),
                    Err("Name or service not known"),
                );
            }
        }
    }
}
