//! Where credentials come from, and what a person reads when they do not come.

use crate::child::{Home, connect};
use crate::server::{ACCOUNT, Answer, Proxy, Request, Server, identity};
use crate::tls::Authority;

const STS: &str = "sts.us-east-1.amazonaws.com";
const PORTAL: &str = "portal.sso.us-east-1.amazonaws.com";

/// STS and the portal of IAM Identity Center. Whose identity it is shows in the access key of the signature.
fn aws(request: &Request) -> Answer {
    if request.path.starts_with("/federation/credentials") {
        if request.header("x-amz-sso_bearer_token") != "sso-token" {
            let body = "{\"message\":\"Session token not found or invalid\"}";
            let code = vec![("x-amzn-errortype", "UnauthorizedException".to_owned())];
            return Answer::Http(401, code, body.to_owned());
        }
        return Answer::ok(
            "{\"roleCredentials\":{\"accessKeyId\":\"AKIDSSO\",\"secretAccessKey\":\"s\",\"sessionToken\":\"t\",\
             \"expiration\":4102444800000}}",
        );
    }
    match request.operation().as_str() {
        "AssumeRoleWithWebIdentity" => {
            assert!(
                request.body.contains("WebIdentityToken=web-token"),
                "{}",
                request.body
            );
            assumed("AssumeRoleWithWebIdentity", "AKIDWEB")
        }
        "AssumeRole" if request.body.contains("ExternalId=right") => {
            assumed("AssumeRole", "AKIDROLE")
        }
        "AssumeRole" => refused(
            "AccessDenied",
            "User: arn:aws:iam::111122223333:user/operator is not authorized to perform: sts:AssumeRole on resource: \
             arn:aws:iam::444455556666:role/dr",
        ),
        "GetCallerIdentity" => match key(request) {
            "AKIDROLE" => identity(
                "444455556666",
                "arn:aws:sts::444455556666:assumed-role/dr/drs-orchestration",
            ),
            "AKIDEXPIRED" => refused(
                "ExpiredToken",
                "The security token included in the request is expired",
            ),
            "AKIDUNKNOWN" => refused(
                "InvalidClientTokenId",
                "The security token included in the request is invalid",
            ),
            "AKIDDENIED" => refused(
                "AccessDenied",
                "Access denied by the policy of the endpoint",
            ),
            key => identity(ACCOUNT, &format!("arn:aws:sts::{ACCOUNT}:key/{key}")),
        },
        other => panic!("{other} was not expected"),
    }
}

/// The access key that a request was signed with.
fn key(request: &Request) -> &str {
    let authorization = request.header("authorization");
    let (_, rest) = authorization.split_once("Credential=").unwrap();
    rest.split('/').next().unwrap()
}

fn assumed(operation: &str, key: &str) -> Answer {
    Answer::ok(format!(
        "<{operation}Response><{operation}Result><Credentials><AccessKeyId>{key}</AccessKeyId>\
         <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>\
         </Credentials></{operation}Result></{operation}Response>"
    ))
}

fn refused(code: &str, message: &str) -> Answer {
    Answer::Http(
        403,
        vec![],
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             </ErrorResponse>"
        ),
    )
}

/// AWS behind a proxy and a private authority, as in a company's network.
struct Company {
    home: Home,
    proxy: Proxy,
    server: Server,
    url: String,
    bundle: String,
}

impl Company {
    async fn new() -> Self {
        let authority = Authority::new();
        let server = Server::start_tls(authority.acceptor(&[STS, PORTAL]), aws).await;
        let proxy = Proxy::start(server.address).await;
        let home = Home::new();
        Self {
            url: format!("http://{}", proxy.address),
            bundle: home.file("ca.pem", &authority.pem),
            home,
            proxy,
            server,
        }
    }

    async fn connect(&self, environment: &[(&str, &str)]) -> crate::child::Said {
        let mut all = vec![
            ("AWS_REGION", "us-east-1"),
            ("HTTPS_PROXY", self.url.as_str()),
            ("AWS_CA_BUNDLE", self.bundle.as_str()),
        ];
        all.extend(environment);
        connect(&self.home, &all).await
    }

    fn tunnels_to(&self, host: &str) -> usize {
        let wanted = format!("CONNECT {host}:443 ");
        self.proxy
            .seen()
            .iter()
            .filter(|head| head.starts_with(&wanted))
            .count()
    }
}

#[tokio::test]
async fn a_credential_process_works_and_its_profile_is_used_alone() {
    let company = Company::new().await;
    let script = company.home.file(
        "process.sh",
        "echo '{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\",\"SecretAccessKey\":\"process-secret\"}'\n",
    );
    company.home.file(
        ".aws/config",
        &format!(
            "[profile process]\ncredential_process = sh {script}\n[default]\nregion = us-east-1\n"
        ),
    );
    let said = company.connect(&[("AWS_PROFILE", "process")]).await;
    assert!(
        said.result.contains("key/AKIDPROCESS"),
        "{}",
        said.everything
    );
    assert!(
        !said.everything.contains("process-secret"),
        "{}",
        said.everything
    );
    // A profile that is named in the settings counts more than keys in the environment.
    company.home.file("drs.yaml", "profile: process\n");
    let said = company.connect(&[]).await;
    assert!(
        said.result.contains("key/AKIDPROCESS"),
        "{}",
        said.everything
    );
    assert_eq!(company.tunnels_to(STS), 2);
}

#[tokio::test]
async fn single_sign_on_works_through_the_proxy_and_an_old_token_is_explained() {
    let company = Company::new().await;
    company.home.file(
        ".aws/config",
        "[profile sso]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n\
         sso_account_id = 111122223333\nsso_role_name = dr\nregion = us-east-1\n",
    );
    // The file is named by the SHA-1 of the start URL.
    let cache = ".aws/sso/cache/e8be5486177c5b5392bd9aa76563515b29358e6e.json";
    let token = |token: &str| {
        format!(
            "{{\"accessToken\":\"{token}\",\"expiresAt\":\"2099-01-01T00:00:00Z\",\"region\":\"us-east-1\",\
             \"startUrl\":\"https://example.awsapps.com/start\"}}"
        )
    };
    company.home.file(cache, &token("sso-token"));
    let said = company.connect(&[("AWS_PROFILE", "sso")]).await;
    assert!(said.result.contains("key/AKIDSSO"), "{}", said.everything);
    assert!(
        !said.everything.contains("sso-token"),
        "{}",
        said.everything
    );
    assert_eq!(
        (company.tunnels_to(PORTAL), company.tunnels_to(STS)),
        (1, 1)
    );

    company.home.file(cache, &token("old-token"));
    let said = company.connect(&[("AWS_PROFILE", "sso")]).await;
    assert!(
        said.result.starts_with("failed: [expired] "),
        "{}",
        said.everything
    );
    assert!(said.result.contains("aws sso login"), "{}", said.result);
}

#[tokio::test]
async fn an_sso_session_works_through_the_proxy() {
    let company = Company::new().await;
    company.home.file(
        ".aws/config",
        "[sso-session corp]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n\
         sso_registration_scopes = sso:account:access\n\
         [profile session]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = dr\nregion = us-east-1\n",
    );
    // The file is named by the SHA-1 of the session's name.
    company.home.file(
        ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
        "{\"accessToken\":\"sso-token\",\"expiresAt\":\"2099-01-01T00:00:00Z\",\"region\":\"us-east-1\",\
         \"startUrl\":\"https://example.awsapps.com/start\"}",
    );
    let said = company.connect(&[("AWS_PROFILE", "session")]).await;
    assert!(said.result.contains("key/AKIDSSO"), "{}", said.everything);
    assert_eq!(company.tunnels_to(PORTAL), 1);
}

#[tokio::test]
async fn a_web_identity_works_through_the_proxy() {
    let company = Company::new().await;
    let token = company.home.file("token", "web-token");
    let said = company
        .connect(&[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", &token),
            ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/ci"),
        ])
        .await;
    assert!(said.result.contains("key/AKIDWEB"), "{}", said.everything);
    assert!(
        !said.everything.contains("web-token"),
        "{}",
        said.everything
    );
    assert!(company.tunnels_to(STS) >= 1);
    assert_eq!(company.server.seen("AssumeRoleWithWebIdentity").len(), 1);
}

#[tokio::test]
async fn a_role_is_assumed_and_its_refusal_is_explained() {
    let company = Company::new().await;
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    let role = |rest: &str| {
        format!(
            "assume_role:\n  role_arn: arn:aws:iam::444455556666:role/dr\n  session_name: rehearsal\n{rest}\
             allowed_account_ids: [\"444455556666\"]\n"
        )
    };
    company
        .home
        .file("drs.yaml", &role("  external_id: right\n"));
    let said = company.connect(&keys).await;
    assert!(
        said.result.starts_with("connected: 444455556666 "),
        "{}",
        said.everything
    );
    let request = &company.server.seen("AssumeRole")[0];
    assert!(
        request.body.contains("RoleSessionName=rehearsal"),
        "{}",
        request.body
    );

    company.home.file("drs.yaml", &role(""));
    let said = company.connect(&keys).await;
    assert!(
        said.result.starts_with("failed: [role] "),
        "{}",
        said.everything
    );
    for word in [
        "arn:aws:iam::444455556666:role/dr",
        "AccessDenied",
        "ExternalId",
        "none was sent",
    ] {
        assert!(said.result.contains(word), "{word}: {}", said.result);
    }
}

#[tokio::test]
async fn what_is_missing_expired_or_wrong_is_said() {
    let company = Company::new().await;
    company
        .home
        .file(".aws/config", "[default]\noutput = json\n");
    let key = |id: &'static str| {
        [
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]
    };
    for (environment, file, kind, words) in [
        (
            vec![],
            "",
            "missing",
            vec!["AWS_ACCESS_KEY_ID", "aws sso login"],
        ),
        (
            vec![("AWS_PROFILE", "prod")],
            "",
            "profile",
            vec!["no profile \"prod\"", "list-profiles"],
        ),
        (
            vec![],
            "profile: prod",
            "profile",
            vec!["no profile \"prod\""],
        ),
        (
            vec![],
            "profile: default",
            "profile",
            vec!["gives no credentials"],
        ),
        (
            key("AKIDEXPIRED").to_vec(),
            "",
            "expired",
            vec!["ExpiredToken", "nothing was changed"],
        ),
        (
            key("AKIDUNKNOWN").to_vec(),
            "",
            "refused",
            vec!["InvalidClientTokenId", "get-caller-identity"],
        ),
        (
            key("AKIDDENIED").to_vec(),
            "",
            "refused",
            vec!["AccessDenied", "VPC endpoint", "policy"],
        ),
        (
            key("AKIDEXAMPLE").to_vec(),
            "allowed_account_ids: [\"999999999999\"]",
            "account",
            vec!["account 111122223333", "999999999999"],
        ),
        (
            key("AKIDEXAMPLE").to_vec(),
            "environment: a b",
            "settings",
            vec!["\"a b\""],
        ),
        (
            key("AKIDEXAMPLE").to_vec(),
            "http_proxy: socks5://joe:s3cret@proxy",
            "settings",
            vec!["http_proxy", "http://host:port"],
        ),
        (
            [key("AKIDEXAMPLE").as_slice(), &[("AWS_REGION", "")]].concat(),
            "",
            "region",
            vec!["AWS_REGION"],
        ),
    ] {
        company.home.file("drs.yaml", file);
        // The proxy of the environment would count more than the one in the file.
        let environment = if file.contains("http_proxy") {
            [environment.as_slice(), &[("HTTPS_PROXY", "")]].concat()
        } else {
            environment
        };
        let said = company.connect(&environment).await;
        assert!(
            said.result.starts_with(&format!("failed: [{kind}] ")),
            "{}",
            said.everything
        );
        for word in words {
            assert!(said.result.contains(word), "{word}: {}", said.result);
        }
        assert!(!said.everything.contains("s3cret"), "{}", said.everything);
    }
}
