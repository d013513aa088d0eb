//! Points in time: taken by the schedule, kept for a while, and gone with the replication.

use super::*;

const STOP: &str = "StopReplication";

fn points(bench: &mut Bench, id: &str) -> Vec<Value> {
    bench.items("DescribeRecoverySnapshots", json!({"sourceServerID": id}))
}

fn id_of(point: &Value) -> String {
    point["snapshotID"].as_str().unwrap().to_owned()
}

#[test]
fn the_schedule_takes_points_with_a_snapshot_for_each_disk_and_lets_them_age_out() {
    let mut bench = Bench::of(&Fleet::built_in());
    let ids = bench.ids(&["db-1"]);
    let before = points(&mut bench, &ids[0]);
    let disks = |point: &Value| point["ebsSnapshots"].as_array().unwrap().len();
    assert!(before.iter().all(|point| disks(point) == 2));
    bench.wait(2.0 * HOUR);
    let after = points(&mut bench, &ids[0]);
    let newest = id_of(after.last().unwrap());
    assert!(before.iter().all(|point| id_of(point) != newest));
    // What is not on the hour is kept for an hour; what is, for a day.
    let known: Vec<String> = after.iter().map(id_of).collect();
    let gone: Vec<&Value> = before
        .iter()
        .filter(|point| !known.contains(&id_of(point)))
        .collect();
    assert!(!gone.is_empty());
    for point in gone {
        let named = json!({"sourceServerID": ids[0], "recoverySnapshotID": point["snapshotID"]});
        let refused = bench.refusal("StartRecovery", json!({"sourceServers": [named]}));
        assert_eq!(refused.1, 409, "{refused:?}");
    }
}

#[test]
fn stopping_the_replication_deletes_every_point_and_starting_it_begins_anew() {
    let mut bench = Bench::healthy(1);
    let ids = bench.ids(&["host-0001"]);
    let newest = points(&mut bench, &ids[0]).pop().unwrap();
    let input = json!({"sourceServerID": ids[0]});
    let refused = bench.refusal("StartReplication", input.clone());
    assert_eq!((refused.0.as_str(), refused.1), ("ConflictException", 409));
    bench.launch(&ids);
    assert_eq!(bench.refusal(STOP, input.clone()).1, 409, "a job has it");
    bench.wait(HOUR);
    let answer = bench.call(STOP, input.clone());
    let info = &answer["sourceServer"]["dataReplicationInfo"];
    assert_eq!(info["dataReplicationState"], "STOPPED");
    assert_eq!(points(&mut bench, &ids[0]), Vec::<Value>::new());
    let named = json!({"sourceServerID": ids[0], "recoverySnapshotID": newest["snapshotID"]});
    let launch = json!({"sourceServers": [named]});
    assert_eq!(bench.refusal("StartRecovery", launch.clone()).1, 409);
    let answer = bench.call("StartReplication", input);
    let info = &answer["sourceServer"]["dataReplicationInfo"];
    assert_eq!(info["dataReplicationState"], "INITIATING");
    bench.wait(10.0 * 60.0);
    assert_eq!(points(&mut bench, &ids[0]), Vec::<Value>::new());
    bench.wait(HOUR);
    let anew = points(&mut bench, &ids[0]);
    assert!(!anew.is_empty() && anew.iter().all(|point| id_of(point) != id_of(&newest)));
    assert_eq!(bench.refusal("StartRecovery", launch).1, 409);
    let missing = bench.refusal(STOP, json!({"sourceServerID": "s-00000000000000000"}));
    assert_eq!(
        (missing.0.as_str(), missing.1),
        ("ResourceNotFoundException", 404)
    );
}
