//! The fleets and plans that are measured: waves over ten accounts and four Regions.
//!
//! Every application has its tiers in one account, spread over that account's Regions; a tier waits for the one before
//! it, sometimes for one of the next application, and everything waits for the first tier of the first application, as
//! everything waits for a directory. How long each server's launch takes is drawn once and belongs to the server, so that
//! a bound can be computed before anything runs.

use std::collections::BTreeMap;

use drs_engine::ids::{GroupId, ServerId, Target};
use drs_engine::plan::{PlanSpec, WaveSpec};
use drs_engine::sim::fleet::{Account, Fleet, Os, Region, Server, Settings};
use drs_engine::sim::hub::Random;
use drs_engine::sim::world::{Span, Timings};
use drs_engine::store::group::{GroupConfig, Selection};

const ACCOUNTS: usize = 10;
const REGIONS: [&str; 4] = ["us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2"];
/// How often a tier waits for one of the next application, too, in parts per thousand.
const CROSSING: u64 = 300;

/// What is measured.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) servers: usize,
    pub(crate) waves: usize,
    /// Tiers of an application.
    pub(crate) depth: usize,
    /// How many of a hundred servers live in the first account and Region, whatever their application.
    pub(crate) in_one: usize,
    /// Windows servers, in parts per thousand; they convert and boot for twice as long.
    pub(crate) windows: u64,
}

/// A shape with everything drawn.
pub(crate) struct Drawn {
    pub(crate) fleet: Fleet,
    pub(crate) groups: Vec<(GroupId, GroupConfig)>,
    pub(crate) plan: PlanSpec,
    /// The waves that each wave waits for.
    pub(crate) depends_on: Vec<Vec<usize>>,
    /// By wave: where each server lives and how long its own launch takes, in seconds.
    pub(crate) spans: Vec<Vec<(Target, f64)>>,
    /// By wave and server: how long it takes after its launch until EC2's status checks have passed, in seconds.
    pub(crate) checks: Vec<Vec<f64>>,
}

impl Shape {
    /// Draws everything; `in_line` makes each wave wait for the one before it instead.
    pub(crate) fn draw(self, in_line: bool, seed: u64) -> Drawn {
        let mut random = Random::new(seed);
        let depends_on = self.graph(&mut random);
        let mut homes: BTreeMap<Target, Vec<Server>> = all_targets();
        let mut spans = vec![Vec::new(); self.waves];
        let mut checks = vec![Vec::new(); self.waves];
        let mut subsets = vec![Vec::new(); self.waves];
        for number in 0..self.servers {
            let wave = number % self.waves;
            let target = self.home(number / self.waves, wave / self.depth);
            let (server, seconds, checked) = server(number, self.windows, &mut random);
            subsets[wave].push(ServerId::new(server.id.clone().expect("it has one")));
            spans[wave].push((target.clone(), seconds));
            checks[wave].push(checked);
            homes.entry(target).or_default().push(server);
        }
        let waves = (0..self.waves).map(|wave| WaveSpec {
            name: format!("wave {wave}"),
            protection_group_ids: groups_of(&spans[wave]),
            depends_on_waves: (!in_line).then(|| names(&depends_on[wave])),
            source_server_ids: Some(subsets[wave].clone()),
            ..WaveSpec::default()
        });
        let plan = PlanSpec {
            name: "everything".to_owned(),
            waves: waves.collect(),
            ..PlanSpec::default()
        };
        Drawn {
            groups: groups(&homes),
            fleet: fleet(homes),
            plan,
            depends_on,
            spans,
            checks,
        }
    }

    fn graph(self, random: &mut Random) -> Vec<Vec<usize>> {
        let waits_for = |wave: usize, random: &mut Random| {
            let tier = wave % self.depth;
            let mut others = Vec::new();
            if tier > 0 {
                others.push(wave - 1);
                let next = (wave + self.depth) % self.waves;
                if random.chance(CROSSING) {
                    others.push(next - 1);
                }
            } else if wave > 0 {
                others.push(0);
            }
            others
        };
        (0..self.waves)
            .map(|wave| waits_for(wave, random))
            .collect()
    }

    /// Where a wave's server of a number lives.
    fn home(self, position: usize, application: usize) -> Target {
        let is_in_one = position * self.in_one / 100 != (position + 1) * self.in_one / 100;
        let (account, region) = if is_in_one {
            (0, 0)
        } else {
            (application % ACCOUNTS, position % REGIONS.len())
        };
        target(account, region)
    }
}

fn target(account: usize, region: usize) -> Target {
    Target {
        account_id: format!("{:012}", 111_122_220_000 + account),
        region: REGIONS[region].to_owned(),
    }
}

fn all_targets() -> BTreeMap<Target, Vec<Server>> {
    let accounts = 0..ACCOUNTS;
    accounts
        .flat_map(|account| (0..REGIONS.len()).map(move |region| target(account, region)))
        .map(|target| (target, Vec::new()))
        .collect()
}

/// A server whose phases take what was drawn for it, how long its launch takes, and how long after it its status checks.
fn server(number: usize, windows: u64, random: &mut Random) -> (Server, f64, f64) {
    let usual = Timings::default();
    let mut draw = |Span(least, most): Span| {
        let share = random.below(1_001) as f64 / 1_000.0;
        (least + (most - least) * share) * 1e6
    };
    // Whole microseconds, as the world counts them.
    let mut fix = |span: Span| draw(span).round() / 1e6;
    let phases = [
        fix(usual.snapshot_start),
        fix(usual.snapshot),
        fix(usual.copy),
        fix(usual.conversion),
        fix(usual.launch_start),
        fix(usual.launch),
        fix(usual.pending),
        fix(usual.status_checks),
    ];
    let exactly = |seconds: f64| Span(seconds, seconds);
    let timings = Timings {
        snapshot_start: exactly(phases[0]),
        snapshot: exactly(phases[1]),
        copy: exactly(phases[2]),
        conversion: exactly(phases[3]),
        launch_start: exactly(phases[4]),
        launch: exactly(phases[5]),
        pending: exactly(phases[6]),
        status_checks: exactly(phases[7]),
        ..usual
    };
    let mut server = Server::named(&format!("host-{number}"));
    server.id = Some(format!("s-{number:017}"));
    server.timings = Some(timings);
    let mut seconds: f64 = phases[..6].iter().sum();
    let mut checked = phases[6] + phases[7];
    if random.chance(windows) {
        server.os = Os::Windows;
        seconds += (phases[3] + phases[5]) * (usual.windows_factor - 1.0);
        checked += phases[7] * (usual.windows_factor - 1.0);
    }
    (server, seconds, checked)
}

fn group_of(target: &Target) -> GroupId {
    GroupId::new(format!("{}-{}", target.account_id, target.region))
}

fn groups_of(spans: &[(Target, f64)]) -> Vec<GroupId> {
    let targets: std::collections::BTreeSet<&Target> = spans.iter().map(|(at, _)| at).collect();
    targets.into_iter().map(group_of).collect()
}

fn names(waves: &[usize]) -> Vec<String> {
    waves.iter().map(|wave| format!("wave {wave}")).collect()
}

fn groups(homes: &BTreeMap<Target, Vec<Server>>) -> Vec<(GroupId, GroupConfig)> {
    let used = homes.iter().filter(|(_, servers)| !servers.is_empty());
    used.map(|(target, servers)| {
        let ids = servers.iter().filter_map(|server| server.id.as_ref());
        let config = GroupConfig {
            name: group_of(target).to_string(),
            description: None,
            target: target.clone(),
            selection: Selection::Servers(ids.map(ServerId::new).collect()),
            tags: BTreeMap::new(),
        };
        (group_of(target), config)
    })
    .collect()
}

fn fleet(homes: BTreeMap<Target, Vec<Server>>) -> Fleet {
    let mut accounts: BTreeMap<String, Vec<Region>> = BTreeMap::new();
    for (target, servers) in homes {
        let region = Region::with(&target.region, servers);
        accounts.entry(target.account_id).or_default().push(region);
    }
    let accounts = accounts.into_iter().map(|(id, regions)| Account {
        id,
        external_id: None,
        regions,
    });
    Fleet {
        accounts: accounts.collect(),
        settings: Settings::default(),
        iam: None,
    }
}
