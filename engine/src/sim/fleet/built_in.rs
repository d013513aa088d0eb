//! The fleet of a world that was given none.

use std::collections::BTreeMap;

use super::{Account, Disk, Fleet, Origin, Os, Region, Server, Settings, Stub, Subnet};

/// A three-tier shop and an office in one Region, with a function, a document and a topic for them; a second Region that
/// is empty, and a second account.
pub(super) fn fleet() -> Fleet {
    let mut servers = shop();
    servers.extend(office());
    let mut home = Region::with("us-east-1", servers);
    home.subnets = vec![subnet("drill", "drill"), subnet("production", "production")];
    home.functions = vec![Stub::named("shop-smoke-test")];
    home.documents = vec![Stub::named("Shop-Failover")];
    home.topics = vec![Stub::named("disaster-recovery")];
    let account = |id: &str, regions| Account {
        id: id.to_owned(),
        external_id: None,
        regions,
    };
    let ledger = tagged(
        "ledger-1",
        &[("Application", "ledger"), ("Environment", "production")],
    );
    let mut elsewhere = Region::with("us-east-1", vec![ledger]);
    elsewhere.subnets = vec![subnet("drill", "drill")];
    let second = Region::with("us-west-2", Vec::new());
    Fleet {
        accounts: vec![
            account("111122223333", vec![home, second]),
            account("444455556666", vec![elsewhere]),
        ],
        settings: Settings::default(),
        iam: None,
    }
}

/// The application that examples and tests recover.
fn shop() -> Vec<Server> {
    [
        ("db-1", "db", 200),
        ("db-2", "db", 200),
        ("app-1", "app", 0),
        ("app-2", "app", 0),
        ("app-3", "app", 0),
        ("web-1", "web", 0),
        ("web-2", "web", 0),
    ]
    .map(|(hostname, tier, data_gib)| {
        let tags = [
            ("Application", "shop"),
            ("Tier", tier),
            ("Environment", "production"),
        ];
        let mut server = tagged(hostname, &tags);
        server.disks = vec![disk("/dev/sda1", 30)];
        if data_gib > 0 {
            server.disks.push(disk("/dev/sdb", data_gib));
        }
        server.origin = Some(Origin {
            account: None,
            region: "us-west-2".to_owned(),
            availability_zone: None,
        });
        server
    })
    .into()
}

/// Servers that are slow, late, stalled or not ready. They boot where production does.
fn office() -> Vec<Server> {
    let of_office = |hostname: &str, os: Os, state: &str| {
        let mut server = tagged(
            hostname,
            &[("Application", "office"), ("Environment", "production")],
        );
        server.os = os;
        server.subnet = Some("production".to_owned());
        server.replication_state = state.to_owned();
        server
    };
    let stalled = Server {
        stall_reason: Some("AGENT_NOT_SEEN".to_owned()),
        lag_seconds: 7_200,
        ..of_office("print-1", Os::Linux, "STALLED")
    };
    let late = Server {
        lag_seconds: 300,
        ..of_office("mail-1", Os::Linux, "BACKLOG")
    };
    vec![
        of_office("files-1", Os::Windows, "CONTINUOUS"),
        of_office("directory-1", Os::Windows, "CONTINUOUS"),
        stalled,
        late,
        of_office("wiki-1", Os::Linux, "INITIAL_SYNC"),
    ]
}

fn tagged(hostname: &str, tags: &[(&str, &str)]) -> Server {
    let mut server = Server::named(hostname);
    server.tags = tags
        .iter()
        .chain(&[("Name", hostname)])
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect::<BTreeMap<_, _>>();
    server
}

fn subnet(name: &str, purpose: &str) -> Subnet {
    Subnet {
        tags: BTreeMap::from([("Purpose".to_owned(), purpose.to_owned())]),
        ..Subnet::named(name)
    }
}

fn disk(device: &str, gib: u32) -> Disk {
    Disk {
        device: device.to_owned(),
        gib,
    }
}
