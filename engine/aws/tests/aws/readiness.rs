//! What launches will meet, read through the SDK from the simulator over HTTP.

use std::collections::{BTreeMap, BTreeSet};

use drs_engine::ids::ServerId;
use drs_engine::ports::{Drs, LaunchSettings, LaunchTemplate, Readiness, Subnet};

use crate::simulator::Rehearsal;

/// More servers than EC2 lists templates on a page, one of which is not like the others.
fn fleet() -> String {
    let mut fleet = "
settings: { quotas: { standard_vcpus: 40 } }
accounts:
  - id: '111122223333'
    regions:
      - name: us-east-1
        subnets:
          - { name: drill, id: subnet-0000000000000000a, free_addresses: 9, tags: { Purpose: drill } }
        servers:
          - { hostname: odd, subnet: none, instance_type: c6i.xlarge, launch_disposition: STOPPED,
              recovery_instance: { is_drill: true } }
          - { hostname: busy, instance_type: c6i.xlarge, recovery_instance: { is_drill: true } }
          - { hostname: late, replication_state: INITIAL_SYNC }
"
    .to_owned();
    for number in 0..220 {
        fleet.push_str(&format!("          - {{ hostname: host-{number} }}\n"));
    }
    fleet
}

#[tokio::test]
async fn what_launches_meet_is_read_from_drs_ec2_and_the_quotas() {
    let rehearsal = Rehearsal::of(Some(&fleet()), 1.0).await;
    let session = rehearsal.session(false).await;
    let (drs, target) = (session.drs(), session.target());
    let servers = drs.source_servers(&target, None).await.unwrap();
    let by_name: BTreeMap<String, ServerId> = servers
        .into_iter()
        .map(|server| (server.hostname, server.id))
        .collect();
    let settings = async |name: &str| drs.launch_settings(&target, &by_name[name]).await.unwrap();
    let (odd, host) = (settings("odd").await, settings("host-7").await);
    assert!(odd.stopped && !host.stopped, "{odd:?} {host:?}");

    let id = |settings: &LaunchSettings| settings.template.clone().unwrap();
    let wanted = BTreeSet::from([id(&odd), id(&host), "lt-00000000000000000".to_owned()]);
    let templates = drs.launch_templates(&target, &wanted).await.unwrap();
    let template = |subnet: Option<&str>, instance_type: &str| LaunchTemplate {
        subnets: subnet.map(ToOwned::to_owned).into_iter().collect(),
        leaves_subnet_open: subnet.is_none(),
        instance_type: Some(instance_type.to_owned()),
    };
    let cellar = "subnet-0000000000000000a";
    let expected = BTreeMap::from([
        (id(&odd), template(None, "c6i.xlarge")),
        (id(&host), template(Some(cellar), "m5.large")),
    ]);
    assert_eq!(templates, expected);

    let wanted = BTreeSet::from([cellar.to_owned(), "subnet-00000000000000000".to_owned()]);
    // The instances that are there have one each, also the one that is stopped.
    let subnet = Subnet {
        free_addresses: 7,
        tags: [("Name", "drill"), ("Purpose", "drill")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    };
    let subnets = drs.subnets(&target, &wanted).await.unwrap();
    assert_eq!(subnets, BTreeMap::from([(cellar.to_owned(), subnet)]));

    let types = ["c6i.xlarge", "m5.large", "m5.enormous"].map(ToOwned::to_owned);
    let vcpus = drs.vcpus_of(&target, &types.into()).await.unwrap();
    let known = [("c6i.xlarge", 4), ("m5.large", 2)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(vcpus, BTreeMap::from(known));
    assert_eq!(drs.vcpu_quota(&target).await.unwrap(), 40);
    // What is stopped takes none.
    assert_eq!(drs.vcpus_running(&target).await.unwrap(), 4);
}

#[tokio::test]
async fn nothing_is_asked_about_nothing() {
    let rehearsal = Rehearsal::of(Some(&fleet()), 1.0).await;
    let session = rehearsal.session(false).await;
    let (drs, target, none) = (session.drs(), session.target(), BTreeSet::new());
    assert_eq!(
        drs.launch_templates(&target, &none).await.unwrap(),
        BTreeMap::new()
    );
    assert_eq!(drs.subnets(&target, &none).await.unwrap(), BTreeMap::new());
    assert_eq!(drs.vcpus_of(&target, &none).await.unwrap(), BTreeMap::new());
}
