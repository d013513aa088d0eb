//! Parts of plans: what is outside them is not judged.

use jiff::Timestamp;

use super::*;

fn only(waves: &[&str], groups: &[&str], without: &[&str]) -> Only {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Only {
        waves: owned(waves),
        groups: owned(groups),
        without: owned(without),
    }
}

/// A plan of a database and a shop window, of which nearly everything is wrong: a server is gone, one lives elsewhere, a group
/// is not there, another has nobody, and a critical server is none of its wave.
fn broken() -> (Vec<WaveSpec>, Vec<Group>, Surroundings) {
    let mut strayed = server("s-5", "stray", &[]);
    strayed.arn = "arn:aws:drs:eu-west-1:111122223333:source-server/s-5".to_owned();
    let servers = vec![
        server("s-1", "db-1", &[]),
        server("s-2", "web-1", &[]),
        strayed,
    ];
    let groups = [
        ("1", group("db", listed(&["s-1", "s-9"]))),
        ("2", group("web", listed(&["s-2", "s-5"]))),
        ("3", group("none", tagged(&[("Tier", "WEB")]))),
    ];
    let mut db = wave("db", &["1", "3"]);
    db.critical_server_ids = Some(vec![ServerId::new("s-9")]);
    let waves = vec![db, wave("web", &["2", "missing"])];
    let stored = groups.iter().map(|(id, config)| Group {
        id: GroupId::new(*id),
        config: config.clone(),
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        modified_at: Timestamp::UNIX_EPOCH,
        executions: BTreeSet::new(),
        claiming_until: None,
        is_complete: true,
    });
    (waves, stored.collect(), around(&groups, servers))
}

/// Who takes part in each wave, or what stands against it.
fn chosen(only: &Only) -> Result<Vec<Vec<String>>, Vec<String>> {
    let (waves, groups, around) = broken();
    let plan = plan(waves);
    let told =
        |errors: Vec<ResolveError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    let part = Part::of(only, &plan, &groups).map_err(told)?;
    let (frozen, _) = settle(&plan, &around, &part).map_err(told)?;
    let names =
        |servers: &Vec<FrozenServer>| servers.iter().map(|it| it.hostname.clone()).collect();
    Ok(frozen.waves.iter().map(names).collect())
}

#[test]
fn what_is_wrong_outside_a_part_does_not_hold_it_up() {
    let web: Vec<Vec<String>> = vec![Vec::new(), vec!["web-1".to_owned()]];
    for leaves_out in ["s-5", "stray"] {
        assert_eq!(
            chosen(&only(&["web"], &["web"], &[leaves_out])),
            Ok(web.clone())
        );
        assert_eq!(chosen(&only(&[], &["WEB"], &[leaves_out])), Ok(web.clone()));
    }
    let db = vec![vec!["db-1".to_owned()], Vec::new()];
    assert_eq!(chosen(&only(&[], &["1"], &["s-9"])), Ok(db));
}

#[test]
fn what_is_wrong_inside_a_part_is_told_and_nothing_else() {
    let mut told = Vec::new();
    for asked in [
        only(&["db"], &[], &[]),
        only(&["web"], &[], &[]),
        only(&[], &["web"], &[]),
        only(&[], &[], &["s-9", "stray"]),
    ] {
        told.push(format!(
            "{asked:?}\n{}",
            chosen(&asked).unwrap_err().join("\n")
        ));
    }
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn names_that_mean_nothing_and_parts_without_servers_are_told() {
    let mut told = Vec::new();
    for asked in [
        only(&["wbe"], &["data"], &[]),
        only(&[], &["web"], &["stray", "host-9"]),
        only(&["web"], &["web"], &["stray", "web-1"]),
        only(&["web"], &["db"], &[]),
    ] {
        told.push(format!(
            "{asked:?}\n{}",
            chosen(&asked).unwrap_err().join("\n")
        ));
    }
    insta::assert_snapshot!(told.join("\n\n"));
}
