//! Decisions, and what is refused when policies are read.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::iam::{Names, Policy, Principal, policy};

const TABLE: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/plans";

fn iam(policies: &[Value]) -> Iam {
    Iam {
        principals: vec![Member {
            arn: "arn:aws:iam::111122223333:role/path/drs".to_owned(),
            access_key_id: None,
            policies: policies.to_vec(),
        }],
    }
}

fn document(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn deny(action: &str, resource: &str) -> Value {
    json!({"Effect": "Deny", "Action": [action], "Resource": [resource]})
}

fn decided(policies: &[Value], action: &str, resource: &str, context: &[(&str, &str)]) -> Verdict {
    let context = context
        .iter()
        .map(|(key, value)| (key.to_lowercase(), vec![(*value).to_owned()]));
    let context = context.collect();
    let rights = iam(policies).rights_of("arn:aws:sts::111122223333:assumed-role/drs/session");
    rights.verdict(Request {
        action,
        resource,
        context: &context,
    })
}

#[test]
fn what_nobody_allows_is_not_allowed_and_a_deny_counts_more() {
    use Verdict::{Allowed, Denied, NotAllowed};
    let put = "dynamodb:PutItem";
    for (statements, expected) in [
        (json!([]), NotAllowed),
        (json!([allow("dynamodb:PutItem", TABLE)]), Allowed),
        (json!(allow("dynamodb:*", "*")), Allowed),
        (json!([allow("DynamoDB:putitem", TABLE)]), Allowed),
        (json!([allow("dynamodb:Put?tem", TABLE)]), Allowed),
        (json!([allow("dynamodb:GetItem", TABLE)]), NotAllowed),
        (
            json!([allow("*", "arn:aws:dynamodb:*:444455556666:table/*")]),
            NotAllowed,
        ),
        (
            json!([allow("*", "*"), deny("dynamodb:Put*", TABLE)]),
            Denied,
        ),
        (
            json!([deny("dynamodb:Put*", TABLE), allow("*", "*")]),
            Denied,
        ),
        (
            json!([allow("*", "*"), deny("dynamodb:DeleteItem", TABLE)]),
            Allowed,
        ),
        (
            json!([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}]),
            Allowed,
        ),
        (
            json!([{"Effect": "Allow", "NotAction": "dynamodb:*", "Resource": "*"}]),
            NotAllowed,
        ),
    ] {
        assert_eq!(
            decided(&[document(statements.clone())], put, TABLE, &[]),
            expected,
            "{statements}"
        );
    }
    let two = [
        document(json!([allow("*", "*")])),
        document(json!([deny(put, "*")])),
    ];
    assert_eq!(decided(&two, put, TABLE, &[]), Denied);
}

#[test]
fn conditions_hold_or_not() {
    let statement = |condition: Value| {
        let all = json!([{"Effect": "Allow", "Action": "ec2:*", "Resource": "*", "Condition": condition}]);
        document(all)
    };
    let via = ("aws:ViaAWSService", "true");
    let tag = (
        "aws:ResourceTag/AWSElasticDisasterRecoveryManaged",
        "drs.amazonaws.com",
    );
    let by_tag = json!({"Null": {"aws:ResourceTag/AWSElasticDisasterRecoveryManaged": "false"}});
    let both = json!({"Bool": {"aws:ViaAWSService": true}, "Null": by_tag["Null"]});
    let called = json!({"ForAnyValue:StringEquals": {"aws:CalledVia": ["drs.amazonaws.com"]}});
    let made = json!({"StringLike": {"ec2:CreateAction": ["Run*", "CreateVolume"]}});
    for (condition, context, holds) in [
        (
            json!({"Bool": {"aws:ViaAWSService": "true"}}),
            &[via][..],
            true,
        ),
        (
            json!({"Bool": {"aws:viaawsservice": ["TRUE"]}}),
            &[via],
            true,
        ),
        (json!({"Bool": {"aws:ViaAWSService": "true"}}), &[], false),
        (
            json!({"Bool": {"aws:ViaAWSService": "false"}}),
            &[via],
            false,
        ),
        (by_tag.clone(), &[tag], true),
        (by_tag, &[], false),
        (both.clone(), &[via, tag], true),
        (both, &[tag], false),
        (
            called.clone(),
            &[("aws:CalledVia", "drs.amazonaws.com")],
            true,
        ),
        (called, &[("aws:CalledVia", "ssm.amazonaws.com")], false),
        (made.clone(), &[("ec2:CreateAction", "RunInstances")], true),
        (made, &[("ec2:CreateAction", "CreateSnapshot")], false),
    ] {
        let verdict = decided(
            &[statement(condition.clone())],
            "ec2:RunInstances",
            TABLE,
            context,
        );
        assert_eq!(
            verdict == Verdict::Allowed,
            holds,
            "{condition} {context:?}"
        );
    }
}

#[test]
fn who_somebody_is_is_read_from_the_arn() {
    let everything = document(json!([allow("*", "*")]));
    let listed = iam(&[everything]);
    let context = Context::new();
    let may = |arn: &str| {
        let request = Request {
            action: "drs:DescribeJobs",
            resource: "*",
            context: &context,
        };
        listed.rights_of(arn).verdict(request) == Verdict::Allowed
    };
    assert!(may("arn:aws:sts::111122223333:assumed-role/drs/any"));
    assert!(!may("arn:aws:sts::444455556666:assumed-role/drs/any"));
    assert!(!may("arn:aws:sts::111122223333:assumed-role/other/any"));
    assert!(!may("arn:aws:iam::111122223333:user/drs"));
    assert!(may("arn:aws:iam::444455556666:user/simulator"));
    assert!(!may("nonsense"));
}

/// The first user of an account may do everything as long as nobody says what it may.
#[test]
fn the_first_user_can_be_listed() {
    let mut listed = iam(&[]);
    listed.principals[0].arn = "arn:aws:iam::111122223333:user/simulator".to_owned();
    assert_eq!(listed.problems(&BTreeSet::from(["111122223333"])), []);
    let rights = listed.rights_of("arn:aws:iam::111122223333:user/simulator");
    assert_eq!(rights, Rights::default());
}

#[test]
fn what_is_not_known_is_refused_with_its_path() {
    let policy = json!({
        "Version": "2008-10-17",
        "Comment": "?",
        "Statement": [
            {"Effect": "Maybe", "Action": "drs", "Resource": "table/plans"},
            {"Effect": "Allow", "Action": "drs:*", "NotAction": "drs:*", "Resource": "*"},
            {"Effect": "Allow", "Action": "drs:*", "Principal": "*", "NotResource": "*"},
            {"Effect": "Allow", "Action": [], "Resource": "arn:aws:iam::1:user/${aws:username}",
             "Condition": {
                 "DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"},
                 "StringEquals": {"aws:ResourceTag/DR": "enabled", "aws:CalledVia": 7}}},
            7,
        ],
    });
    let mut listed = iam(&[policy, json!("no object"), document(json!("none"))]);
    let member = |arn: &str, key: Option<&str>| Member {
        arn: arn.to_owned(),
        access_key_id: key.map(ToOwned::to_owned),
        policies: Vec::new(),
    };
    listed.principals.extend([
        member("arn:aws:iam::111122223333:role/drs", None),
        member("arn:aws:iam::111122223333:group/drs", None),
        member("arn:aws:iam::999999999999:role/drs", None),
        member("arn:aws:iam::111122223333:user/ada", None),
        member("arn:aws:iam::111122223333:user/bob", Some("short")),
        member(
            "arn:aws:iam::111122223333:user/eve",
            Some("AKIAEXAMPLEEXAMPLE00"),
        ),
        member(
            "arn:aws:iam::111122223333:user/mallory",
            Some("AKIAEXAMPLEEXAMPLE00"),
        ),
        member(
            "arn:aws:iam::111122223333:role/keyed",
            Some("AKIAEXAMPLEEXAMPLE01"),
        ),
    ]);
    let problems = listed.problems(&BTreeSet::from(["111122223333"]));
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

/// What the product's own policies say, the simulator understands.
#[test]
fn every_policy_of_ours_is_understood() {
    let machine = |name: &str| {
        Some(format!(
            "arn:aws:states:eu-west-1:111122223333:stateMachine:{name}"
        ))
    };
    let names = Names {
        partition: "aws".to_owned(),
        account_id: "111122223333".to_owned(),
        regions: BTreeSet::from(["eu-west-1".to_owned()]),
        history_region: "eu-west-1".to_owned(),
        environment: "test".to_owned(),
        functions: BTreeSet::from(["check".to_owned()]),
        runner_function: Some("arn:aws:lambda:eu-west-1:111122223333:function:runner".to_owned()),
        sweeper_function: Some("arn:aws:lambda:eu-west-1:111122223333:function:sweeper".to_owned()),
        drill_machine: machine("drills"),
        recovery_machine: machine("recoveries"),
        ..Names::default()
    };
    let policies = Principal::ALL
        .map(|principal| policy(principal, &names).map(|policy: Policy| policy.json()));
    let policies: Vec<Value> = policies.into_iter().map(Result::unwrap).collect();
    assert_eq!(
        iam(&policies).problems(&BTreeSet::from(["111122223333"])),
        []
    );
}

static ACTIONS: [&str; 4] = [
    "drs:DescribeJobs",
    "drs:StartRecovery",
    "dynamodb:PutItem",
    "sts:AssumeRole",
];
static PATTERNS: [&str; 6] = [
    "*",
    "drs:*",
    "drs:Describe*",
    "dynamodb:PutItem",
    "sts:*",
    "drs:Start?ecovery",
];
static RESOURCES: [&str; 3] = ["*", TABLE, "arn:aws:dynamodb:*:*:table/*"];

fn statements() -> impl Strategy<Value = Vec<Value>> {
    let one = (
        any::<bool>(),
        prop::sample::select(&PATTERNS[..]),
        prop::sample::select(&RESOURCES[..]),
    );
    let one = one.prop_map(|(allows, action, resource)| {
        if allows {
            allow(action, resource)
        } else {
            deny(action, resource)
        }
    });
    prop::collection::vec(one, 0..6)
}

proptest! {
    #[test]
    fn a_deny_wins_wherever_it_stands(
        mut given in statements(),
        at in any::<prop::sample::Index>(),
        action in prop::sample::select(&ACTIONS[..]),
    ) {
        given.insert(at.index(given.len() + 1), deny(action, "*"));
        let verdict = decided(&[document(json!(given))], action, TABLE, &[]);
        prop_assert_eq!(verdict, Verdict::Denied);
    }

    #[test]
    fn the_order_and_the_grouping_of_statements_do_not_matter(
        (given, shuffled) in statements().prop_flat_map(|given| (Just(given.clone()), Just(given).prop_shuffle())),
        action in prop::sample::select(&ACTIONS[..]),
    ) {
        let together = decided(&[document(json!(given))], action, TABLE, &[]);
        let apart: Vec<Value> = shuffled.iter().map(|one| document(json!([one]))).collect();
        prop_assert_eq!(together, decided(&apart, action, TABLE, &[]));
    }

    #[test]
    fn an_allow_more_never_takes_a_right_away(
        mut given in statements(),
        action in prop::sample::select(&ACTIONS[..]),
        more in prop::sample::select(&PATTERNS[..]),
    ) {
        let before = decided(&[document(json!(given))], action, TABLE, &[]);
        given.push(allow(more, "*"));
        let after = decided(&[document(json!(given))], action, TABLE, &[]);
        prop_assert!(before == after || (before == Verdict::NotAllowed && after == Verdict::Allowed));
    }
}
