//! Accounts beside the session's own: added, checked, worked in and removed.

use drs_engine::ids::Target;

use super::elsewhere::refused;
use super::*;

/// An account of the built-in fleet that is not the session's, with one server in `us-east-1`.
const SPOKE: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::444455556666:role/dr";

fn add<'a>(regions: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let add = [
        "target",
        "add",
        SPOKE,
        "--regions",
        regions,
        "--role-arn",
        ROLE,
    ];
    [&add, more].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_added_checked_changed_and_removed() {
    let folder = Folder::new();
    let store = folder.store();
    let _world = World::new(&store, 600.0).await;
    let on = |arguments: &[&str]| on_store(&store, arguments);

    for command in ["show", "remove"] {
        let said = "is not a target of this environment";
        refused(on(&["target", command, SPOKE]), said).await;
    }
    let unknown = ended(on(&["target", "check", SPOKE])).await;
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    assert!(text(&unknown.stdout).contains("drsctl target add"));

    let added = document(&ended(on(&add("us-east-1,eu-west-1", &["--json"]))).await);
    let external_id = added["external_id"].as_str().expect("one was made");
    let condition = &added["trust_policy"]["Statement"][0]["Condition"]["StringEquals"];
    assert_eq!(condition["sts:ExternalId"], external_id);
    refused(on(&add("us-east-1", &[])), "is a target already").await;

    // DRS was never set up in one of its Regions.
    let checked = ended(on(&["target", "check", SPOKE])).await;
    assert_eq!(checked.status.code(), Some(2), "{checked:?}");
    let told = text(&checked.stdout);
    assert!(
        told.contains("DRS is not initialised in eu-west-1"),
        "{told}"
    );
    let changed = ended(on(&add("us-east-1", &["--replace", "--json"]))).await;
    assert_eq!(document(&changed)["external_id"], external_id, "it stays");
    let checked = ended(on(&["target", "check", SPOKE, "--json"])).await;
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert_eq!(document(&checked)["works"], true);

    let listed = document(&ended(on(&["target", "list", "--json"])).await);
    assert_eq!(listed["targets"][0]["account_id"], SPOKE);
    let removed = ended(on(&["target", "remove", SPOKE])).await;
    assert_eq!(removed.status.code(), Some(0), "{removed:?}");
    let listed = document(&ended(on(&["target", "list", "--json"])).await);
    assert_eq!(listed["targets"].as_array().map(Vec::len), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_as_a_target_is_refused() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 600.0).await;
    let own = world.session.identity().account_id.clone();
    let own_role = format!("arn:aws:iam::{own}:role/dr");
    for (account, role, said) in [
        (
            own.as_str(),
            own_role.as_str(),
            "is the account of these credentials",
        ),
        (SPOKE, own_role.as_str(), "role"),
        ("4444", ROLE, "account"),
    ] {
        let arguments = [
            "target",
            "add",
            account,
            "--regions",
            "us-east-1",
            "--role-arn",
            role,
        ];
        let output = ended(on_store(&store, &arguments)).await;
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(text(&output.stderr).contains(said), "{output:?}");
    }
    let listed = ended(on_store(&store, &["target", "list", "--json"])).await;
    assert_eq!(
        document(&listed)["targets"].as_array().map(Vec::len),
        Some(0)
    );
}

/// A plan over the session's account and another one.
async fn plan_over_both(session: &Session) {
    let target = Target {
        account_id: SPOKE.to_owned(),
        region: "us-east-1".to_owned(),
    };
    let config = GroupConfig {
        name: "ledger".to_owned(),
        description: None,
        target,
        selection: Selection::Tags(BTreeMap::from([(
            "Application".to_owned(),
            "ledger".to_owned(),
        )])),
        tags: BTreeMap::new(),
    };
    let now = session.clock().now();
    let id = GroupId::new(fresh::id("pg"));
    let made = session.groups().create(id.clone(), config, now).await;
    made.expect("a group");
    let shop = session.plans().find_by_id_or_name("shop").await;
    let shop = shop.expect("readable").expect("there");
    let mut waves = shop.spec.waves.clone();
    waves.push(wave_over("ledger", id));
    let spec = PlanSpec {
        name: "both".to_owned(),
        waves,
        ..PlanSpec::default()
    };
    let id = PlanId::new(fresh::id("rp"));
    let plans = session.plans();
    let made = plans.create(id, spec, BTreeMap::new(), now).await;
    made.expect("a plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_over_two_accounts_needs_the_target_and_then_runs() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 1_500.0).await;
    plan_over_both(&world.session).await;
    let on = |arguments: &[&str]| on_store(&store, arguments);

    let preflight = ended(on(&["preflight", "both"])).await;
    assert_eq!(preflight.status.code(), Some(2), "{preflight:?}");
    assert!(text(&preflight.stdout).contains("drsctl target add 444455556666"));
    refused(on(&["start", "both", "--reason", "r"]), "is not a target").await;
    // What has nothing to do with the account is not held up by it.
    let part = on(&["preflight", "both", "--only-wave", "web"]);
    let part = ended(part).await;
    assert_eq!(part.status.code(), Some(0), "{part:?}");

    let added = ended(on(&add("us-east-1", &[]))).await;
    assert_eq!(added.status.code(), Some(0), "{added:?}");
    let drill = ended(on(&[
        "start",
        "both",
        "--reason",
        "r",
        "--cleanup",
        "--json",
    ]))
    .await;
    assert_eq!(drill.status.code(), Some(0), "{drill:?}");
    let told = document(&drill);
    assert_eq!(told["status"], "COMPLETED", "{told}");
    let waves = told["waves"].as_array().expect("waves");
    let servers = waves
        .iter()
        .flat_map(|wave| wave["servers"].as_array().into_iter().flatten());
    let health: Vec<&serde_json::Value> = servers.map(|server| &server["health"]).collect();
    assert!(
        health.len() > 1 && health.iter().all(|health| *health == "HEALTHY"),
        "{health:?}"
    );
    // A group names servers there, so the target stays.
    refused(on(&["target", "remove", SPOKE]), "name servers in account").await;
}

/// Takes away what keeps the target, but for the drill.
async fn without_groups(session: &Session) {
    let plan = session.plans().find_by_id_or_name("both").await;
    let plan = plan.expect("readable").expect("there").id;
    let deleted = session.plans().delete(&plan).await;
    deleted.expect("no plan");
    let groups = session.groups();
    let (page, _) = groups.list(None, 100).await.expect("groups");
    let there = page.iter().find(|group| group.config.name == "ledger");
    let deleted = groups.delete(&there.expect("the group").id).await;
    deleted.expect("no group");
}

/// A drill over both accounts that has ended and keeps its target by nothing but its instances; its id.
async fn left_by_a_drill(store: &Path, world: &World) -> String {
    plan_over_both(&world.session).await;
    let added = ended(on_store(store, &add("us-east-1", &[]))).await;
    assert_eq!(added.status.code(), Some(0), "{added:?}");
    let drill = on_store(store, &["start", "both", "--reason", "r", "--json"]);
    let drill = ended(drill).await;
    assert_eq!(drill.status.code(), Some(0), "{drill:?}");
    without_groups(&world.session).await;
    let id = &document(&drill)["execution_id"];
    id.as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_stays_while_a_drill_has_instances_there() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 1_500.0).await;
    let id = left_by_a_drill(&store, &world).await;
    let on = |arguments: &[&str]| on_store(&store, arguments);
    let command = format!("drsctl terminate {id} --reason TEXT");
    refused(on(&["target", "remove", SPOKE]), &command).await;
    let elsewhere = add("us-west-2", &["--replace"]);
    refused(on(&elsewhere), "may have recovery instances in us-east-1").await;
    let terminated = ended(on(&["terminate", &id, "--reason", "r"])).await;
    assert_eq!(terminated.status.code(), Some(0), "{terminated:?}");
    let removed = ended(on(&["target", "remove", SPOKE])).await;
    assert_eq!(removed.status.code(), Some(0), "{removed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_left_by_who_says_so() {
    let folder = Folder::new();
    let store = folder.store();
    let world = World::new(&store, 1_500.0).await;
    left_by_a_drill(&store, &world).await;
    let on = |arguments: &[&str]| on_store(&store, arguments);
    refused(on(&["target", "remove", SPOKE]), "--leave-instances").await;
    let removed = on(&["target", "remove", SPOKE, "--leave-instances"]);
    let removed = ended(removed).await;
    assert_eq!(removed.status.code(), Some(0), "{removed:?}");
}
