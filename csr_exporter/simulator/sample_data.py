"""Sample data for generated records: parts of names, domains and companies. Domains are reserved for documentation."""

from __future__ import annotations

TEAMS = (
    "shop", "pay", "checkout", "billing", "ledger", "search", "catalog", "identity", "sso", "mail", "webmail", "vpn",
    "gateway", "api", "mobile", "app", "cdn", "static", "media", "video", "live", "chat", "support", "crm", "erp",
    "hr", "wiki", "git", "ci", "registry", "monitoring", "grafana", "logs", "metrics", "data", "warehouse", "kafka",
    "mqtt", "iot", "fleet", "maps", "partner", "portal", "intranet", "www", "blog", "status", "legacy", "sandbox",
)  # fmt: skip
PARTS = (
    "web", "frontend", "backend", "api", "admin", "edge", "ingress", "proxy", "lb", "mtls", "internal", "public",
    "callback", "webhook", "auth", "cert", "tls", "client", "server", "upload", "download", "img", "v2", "canary",
)  # fmt: skip
ENVIRONMENTS = ("prod", "staging", "test", "dev", "uat", "qa", "preprod", "dr", "demo", "perf")
REGIONS = ("eu", "us", "cn", "ap", "cn-north-4", "ap-southeast-1", "eu-west-101", "sg", "de", "hk", "sha", "bj")
CHINESE_TEAMS = ("商城", "支付", "门户网站", "邮件系统", "测试环境", "官网", "物联网平台", "会员中心", "财务", "内网")

NAME_PATTERNS = {
    "{team}-{env}-{region}-{year}": 22,
    "{team}-{part}-{env}": 14,
    "{team}-{part}-{env}-{number:02}": 10,
    "{team}_{env}_{year}": 8,
    "{team}.{env}.example.com": 6,
    "csr-{team}-{month}": 6,
    "{team}-{part}-{region}-{month}-{hex}": 6,
    "scm-{hex}": 5,
    "tf_{team}_{hex}": 4,
    "{team}{number}": 4,
    "{team}-wildcard-{year}": 4,
    "{chinese}-{year}": 3,
    "{chinese}证书{number}": 2,
    "{team}-{part}-{env}-{region}-renewal-of-{year}-rotated-{month}-{hex}": 2,
    "Do not delete! {team} {env}": 1,
    "new csr {number}": 1,
}
"""Patterns and their weights."""

PARENT_DOMAINS = ("example.com", "example.net", "example.org", "corp.example", "cloud.example", "shop.example")
INTERNATIONAL_DOMAINS = (
    "bücher.example",
    "münchen.example",
    "例子.测试",
    "商店.测试",
    "支付.例子.测试",
    "пример.example",
)
PUNYCODE_DOMAINS = tuple(domain.encode("idna").decode() for domain in INTERNATIONAL_DOMAINS)
DOMAIN_PATTERNS = {
    "{team}.{parent}": 30,
    "{part}.{team}.{parent}": 20,
    "{team}-{env}.{parent}": 15,
    "*.{team}.{parent}": 14,
    "*.{env}.{parent}": 5,
    "{idn}": 4,
    "{team}.{punycode}": 4,
    "*.{punycode}": 2,
}
"""Patterns and their weights."""

COMPANIES = (
    ("CN", "北京市", "北京市", "示例网络科技有限公司"),
    ("CN", "上海市", "上海市", "示例电子商务有限公司"),
    ("CN", "广东省", "深圳市", "深圳示例智能制造股份有限公司"),
    ("CN", "Beijing", "Beijing", "Example Network Technology Co., Ltd."),
    ("DE", "Bayern", "München", "Beispiel GmbH & Co. KG"),
    ("SG", "Singapore", "Singapore", "Example Pte. Ltd."),
    ("BR", "São Paulo", "São Paulo", 'Exemplo "Loja" S.A.'),
    ("MY", "Selangor", "Petaling Jaya", "Contoh Sdn Bhd"),
)
"""Country, province, city and name."""
