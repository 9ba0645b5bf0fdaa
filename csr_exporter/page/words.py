"""The words of the page in each of its languages, and how numbers, spans and moments are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from csr_exporter.inventory import ADVICE

DAY = 86_400.0

LONG = 2000
"""Milliseconds; from here on whole seconds say enough."""

ENGLISH: Mapping[str, str] = {
    "about": "Certificate signing requests in Huawei Cloud SSL Certificate Manager",
    "trust.sound": "Every number is fresh and complete",
    "trust.starting": "Waiting for the first polls",
    "trust.doubtful": "Not every number can be trusted",
    "trust.sound.why": "Accounts read whole by their last poll: {whole:,} of {accounts:,}.",
    "trust.starting.why": "Accounts read whole: {whole:,} of {accounts:,}. The others have not been polled yet.",
    "trust.doubtful.why": "Accounts fresh and complete: {whole:,} of {accounts:,}. The others come first below.",
    "alarm.stopped": "The scheduler has stopped: no account is polled any more. Restart the exporter.",
    "alarm.config_rejected": (
        "The configuration was changed, but could not be read, so an older one is in force. The log names the "
        "mistakes, and so does csr-exporter check."
    ),
    "as_of": "As of {moment}",
    "reload": "Refresh",
    "back": "All accounts",
    "state.fresh": "Fresh",
    "state.failing": "Failing",
    "state.stale": "Stale",
    "state.never": "Not polled yet",
    "state.fresh.why": "The last poll succeeded.",
    "state.failing.why": "The last poll failed.",
    "state.stale.why": "The last good inventory is too old to be shown.",
    "state.never.why": "The first poll has not ended yet.",
    "csrs": "CSRs",
    "counted": "in accounts: {counted:,} of {accounts:,}",
    "listed": "Read one by one",
    "listed.all": "nothing is missing",
    "listed.missing": "{missing:,} missing",
    "oldest": "Oldest CSR",
    "oldest.short": "oldest",
    "oldest.since": "created {moment}",
    "changes": "Changes since the start",
    "changes.what": "added, removed, renamed",
    "next_poll": "Next poll",
    "next_in": "next {until}",
    "last_poll": "Last poll",
    "last_success": "Last success",
    "in": "in {span}",
    "ago": "{span} ago",
    "now": "now",
    "colon": ": ",
    "stop": ".",
    "unknown": "not known",
    "none": "none",
    "by_algorithm": "By key algorithm",
    "by_age": "By age",
    "algorithm": "Algorithm",
    "algorithm.unknown": "unknown",
    "algorithm.other": "other",
    "age": "Age",
    "number": "CSRs",
    "share": "Share",
    "band.first": "up to {upto}",
    "band.between": "{above} – {upto}",
    "band.last": "over {above}",
    "band.unknown": "age not known",
    "accounts": "Accounts",
    "accounts.further": "Further accounts: {number:,}",
    "account": "Account",
    "state": "State",
    "complete": "Complete",
    "complete.yes": "complete",
    "complete.no": "incomplete",
    "complete.all": "all {listed:,} were read",
    "complete.missing": "{missing:,} of {reported:,} were not read: {why}",
    "complete.unsure": "{listed:,} were read: {why}",
    "gap.no_total": "the service does not say how many there are",
    "gap.changed": "the list changed while it was read, or records have no id",
    "gap.offset_ignored": "the service ignores the offset, and filters did not reach the others",
    "gap.offset_unused": "no offset is used, and filters did not reach the others",
    "gap.out_of_reach": (
        "the list changed while it was read, or pages and filters did not reach them within max_offset, "
        "max_requests_per_poll and poll_timeout"
    ),
    "complete.more": "How this is proven",
    "error.failed": "The last poll failed",
    "error.advice": "What to do",
    "error.held": "The numbers are those of {moment}, {ago}.",
    "error.nothing": "There are no numbers to show until a poll succeeds.",
    "waiting": (
        "The service will not be asked before {moment} ({in_span}), because it refused and would lock the credentials "
        "or asked for a pause. New secrets or a changed account end the wait."
    ),
    "stale": "The last success was {ago}: too long for its numbers to be shown.",
    "facts": "How it is known",
    "listing": "Last listing",
    "listing.took": "requests: {requests:,}; queries: {slices:,}; carried over: {carried:,}",
    "shard": "Shard {index} of {count}: polled here are {here:,} of {accounts:,} accounts of the configuration.",
    "limit": "Limit",
    "limit.of": "{reported:,} of at most {limit:,}",
    "limit.over": "{reported:,}: more than the {limit:,} it should hold",
    "offset": "Offsets count",
    "offset.record": "records",
    "offset.page": "pages, from 0",
    "offset.page1": "pages, from 1",
    "offset.ignored": "nothing: they are ignored",
    "offset.untested": "not tested: one page was enough, or none is used",
    "expires": "Credentials expire",
    "clock": "Clock of the service",
    "clock.ahead": "{span} ahead of ours",
    "clock.behind": "{span} behind ours",
    "clock.equal": "as ours",
    "oldest.all": "Oldest CSRs of all accounts",
    "oldest.ten": "Oldest CSRs",
    "name": "Name",
    "domain": "Domain",
    "created": "Created",
    "polls": "Recent polls",
    "polls.table": "Each of them",
    "polls.summary": "Polls: {polls:,}; succeeded: {succeeded:,}; failed: {failed:,}",
    "poll.ended": "Ended",
    "poll.result": "Result",
    "poll.succeeded": "succeeded",
    "poll.took": "Took",
    "poll.requests": "Requests",
    "poll.title": "{moment}: {result}, {span}, requests: {requests:,}",
    "links": "Pages",
    "link.metrics": "Metrics",
    "link.status": "status.json",
    "link.config": "Configuration",
    "link.health": "Health",
    "link.ready": "Readiness",
    "link.docs": "Documentation",
    "link.runbooks": "Runbooks",
    "link.dashboards": "Dashboards",
    "skip": "Skip to the accounts",
    "reason.unreachable": "The service cannot be reached",
    "reason.timeout": "The service did not answer in time",
    "reason.tls": "The encrypted connection could not be trusted",
    "reason.unauthorized": "The credentials were refused",
    "reason.forbidden": "The credentials may not list CSRs",
    "reason.not_found": "There is no CSR list at this endpoint",
    "reason.bad_request": "The service refused the query",
    "reason.throttled": "The service was asked too often",
    "reason.server_error": "The service is failing",
    "reason.malformed_reply": "The reply could not be understood",
    "reason.credentials_unavailable": "The credentials could not be read",
    "reason.deadline": "The poll took too long",
    "reason.internal": "A fault of the exporter",
    **{f"advice.{reason}": text for reason, text in ADVICE.items()},
    "span.less": "under 1 s",
    "span.milliseconds": "{number:,} ms",
    "span.seconds": "{number:,} s",
    "span.minutes": "{number:,} min",
    "span.hours": "{number:,} h",
    "span.days": "{number:,} d",
}

CHINESE: Mapping[str, str] = {
    "about": "华为云 SSL 证书管理服务中的证书签名请求（CSR）",
    "trust.sound": "所有数字都是最新且完整的",
    "trust.starting": "正在等待首次轮询",
    "trust.doubtful": "并非所有数字都可信",
    "trust.sound.why": "{accounts:,} 个账号中有 {whole:,} 个在最近一次轮询中已完整读取。",
    "trust.starting.why": "{accounts:,} 个账号中有 {whole:,} 个已完整读取，其余尚未轮询。",
    "trust.doubtful.why": "{accounts:,} 个账号中有 {whole:,} 个最新且完整，其余列在下方最前面。",
    "alarm.stopped": "调度器已停止，不再轮询任何账号。请重启导出器。",
    "alarm.config_rejected": "配置已更改但无法读取，因此仍使用旧配置。日志和 csr-exporter check 会列出其中的错误。",
    "as_of": "截至 {moment}",
    "reload": "刷新",
    "back": "全部账号",
    "state.fresh": "最新",
    "state.failing": "失败",
    "state.stale": "过期",
    "state.never": "尚未轮询",
    "state.fresh.why": "最近一次轮询成功。",
    "state.failing.why": "最近一次轮询失败。",
    "state.stale.why": "最近一次成功的清单已过旧，不再显示。",
    "state.never.why": "首次轮询尚未结束。",
    "csrs": "CSR 数量",
    "counted": "来自 {accounts:,} 个账号中的 {counted:,} 个",
    "listed": "逐条读取",
    "listed.all": "没有缺失",
    "listed.missing": "缺失 {missing:,} 条",
    "oldest": "最早的 CSR",
    "oldest.short": "最早",
    "oldest.since": "创建于 {moment}",
    "changes": "启动以来的变化",
    "changes.what": "新增、删除、改名",
    "next_poll": "下次轮询",
    "next_in": "下次 {until}",
    "last_poll": "最近轮询",
    "last_success": "最近成功",
    "in": "{span}后",
    "ago": "{span}前",
    "now": "现在",
    "colon": "：",
    "stop": "。",
    "unknown": "未知",
    "none": "无",
    "by_algorithm": "按密钥算法",
    "by_age": "按存在时间",
    "algorithm": "算法",
    "algorithm.unknown": "未知",
    "algorithm.other": "其他",
    "age": "存在时间",
    "number": "CSR",
    "share": "占比",
    "band.first": "不超过 {upto}",
    "band.between": "{above} – {upto}",
    "band.last": "超过 {above}",
    "band.unknown": "创建时间未知",
    "accounts": "账号",
    "accounts.further": "其余 {number:,} 个账号",
    "account": "账号",
    "state": "状态",
    "complete": "完整性",
    "complete.yes": "完整",
    "complete.no": "不完整",
    "complete.all": "全部 {listed:,} 条均已读取",
    "complete.missing": "{reported:,} 条中有 {missing:,} 条未读取：{why}",
    "complete.unsure": "已读取 {listed:,} 条：{why}",
    "gap.no_total": "服务未说明总数",
    "gap.changed": "读取期间列表发生变化，或有记录没有 id",
    "gap.offset_ignored": "服务忽略 offset，过滤查询也未能读到其余记录",
    "gap.offset_unused": "未使用 offset，过滤查询也未能读到其余记录",
    "gap.out_of_reach": (
        "读取期间列表发生变化，或在 max_offset、max_requests_per_poll 和 poll_timeout 之内通过分页和过滤未能读到"
    ),
    "complete.more": "如何证明完整性",
    "error.failed": "最近一次轮询失败",
    "error.advice": "处理建议",
    "error.held": "所示数字来自 {moment}（{ago}）。",
    "error.nothing": "在轮询成功之前没有可显示的数字。",
    "waiting": (
        "在 {moment}（{in_span}）之前不会再次请求服务：服务已拒绝请求，继续请求可能锁定凭证，或服务要求暂停。"
        "更换密钥或修改账号配置会结束等待。"
    ),
    "stale": "最近一次成功在 {ago}，时间过久，其数字不再显示。",
    "facts": "数据来源",
    "listing": "最近读取",
    "listing.took": "请求 {requests:,} 次；查询 {slices:,} 种；沿用 {carried:,} 条",
    "shard": "分片 {index}（共 {count} 个）：配置中的 {accounts:,} 个账号里有 {here:,} 个在此轮询。",
    "limit": "上限",
    "limit.of": "{reported:,}，上限 {limit:,}",
    "limit.over": "{reported:,}，已超过上限 {limit:,}",
    "offset": "offset 的含义",
    "offset.record": "记录数",
    "offset.page": "页码，从 0 开始",
    "offset.page1": "页码，从 1 开始",
    "offset.ignored": "无：被服务忽略",
    "offset.untested": "未测试：一页即可，或未使用",
    "expires": "凭证到期",
    "clock": "服务时钟",
    "clock.ahead": "比本机快 {span}",
    "clock.behind": "比本机慢 {span}",
    "clock.equal": "与本机一致",
    "oldest.all": "全部账号中最早的 CSR",
    "oldest.ten": "最早的 CSR",
    "name": "名称",
    "domain": "域名",
    "created": "创建时间",
    "polls": "近期轮询",
    "polls.table": "逐次查看",
    "polls.summary": "{polls:,} 次轮询：成功 {succeeded:,} 次，失败 {failed:,} 次",
    "poll.ended": "结束时间",
    "poll.result": "结果",
    "poll.succeeded": "成功",
    "poll.took": "耗时",
    "poll.requests": "请求数",
    "poll.title": "{moment}：{result}，{span}，请求数 {requests:,}",
    "links": "页面",
    "link.metrics": "指标",
    "link.status": "status.json",
    "link.config": "配置",
    "link.health": "健康检查",
    "link.ready": "就绪检查",
    "link.docs": "文档",
    "link.runbooks": "处理手册",
    "link.dashboards": "仪表盘",
    "skip": "跳到账号",
    "reason.unreachable": "无法连接服务",
    "reason.timeout": "服务未及时响应",
    "reason.tls": "加密连接不可信",
    "reason.unauthorized": "凭证被拒绝",
    "reason.forbidden": "凭证无权列出 CSR",
    "reason.not_found": "该终端节点没有 CSR 列表",
    "reason.bad_request": "服务拒绝了查询",
    "reason.throttled": "请求过于频繁",
    "reason.server_error": "服务出现故障",
    "reason.malformed_reply": "无法理解服务的响应",
    "reason.credentials_unavailable": "无法读取凭证",
    "reason.deadline": "轮询耗时过长",
    "reason.internal": "导出器自身的故障",
    "advice.unreachable": "检查终端节点、域名解析、代理和防火墙",
    "advice.timeout": "检查网络和服务的健康状况；request_timeout 限定单个请求的时间",
    "advice.tls": "检查证书、ca_file 以及中间是否有拦截 TLS 的设备",
    "advice.unauthorized": "检查密钥、密码或令牌，是否属于该站点，以及本机时钟",
    "advice.forbidden": "为用户或委托授予 scm::listCsr 权限，并检查令牌的作用范围",
    "advice.not_found": "检查终端节点；并非每个站点都提供 CSR API",
    "advice.bad_request": "检查 offset_mode 和 max_offset；服务拒绝了该查询",
    "advice.throttled": "增大 poll_interval 或减小 max_requests_per_second",
    "advice.server_error": "服务出现故障，下次轮询会再次请求",
    "advice.malformed_reply": "检查终端节点是否为 SCM，以及是否有代理代为应答",
    "advice.credentials_unavailable": "检查凭证所来自的文件、环境变量或委托",
    "advice.deadline": "增大 poll_timeout 或 max_requests_per_second",
    "advice.internal": "这是导出器的缺陷，请附日志报告",
    "span.less": "不到 1 秒",
    "span.milliseconds": "{number:,} 毫秒",
    "span.seconds": "{number:,} 秒",
    "span.minutes": "{number:,} 分钟",
    "span.hours": "{number:,} 小时",
    "span.days": "{number:,} 天",
}


@dataclass(frozen=True, slots=True)
class Language:
    """A language that the page speaks; *tag* is that of HTML."""

    tag: str
    words: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        return self.words[key].format(**values)

    def span(self, seconds: float) -> str:
        """*seconds* in the largest unit of which there are at least two, rounded down."""
        for unit, length in (("days", DAY), ("hours", 3600.0), ("minutes", 60.0)):
            if seconds >= 2 * length:
                return self.say(f"span.{unit}", number=int(seconds // length))
        return self.say("span.seconds", number=int(seconds)) if seconds >= 1 else self.words["span.less"]

    def took(self, seconds: float) -> str:
        """*seconds* of something short, to the millisecond."""
        milliseconds = round(seconds * 1000)
        return self.say("span.milliseconds", number=milliseconds) if milliseconds < LONG else self.span(seconds)

    def bound(self, seconds: float) -> str:
        """*seconds* of a boundary, which is exact."""
        days = seconds / DAY
        return self.say("span.days", number=int(days)) if days >= 1 and days.is_integer() else self.span(seconds)

    def ago(self, instant: float, now: float) -> str:
        return self.say("ago", span=self.span(max(0.0, now - instant)))

    def until(self, instant: float, now: float) -> str:
        return self.words["now"] if instant < now + 1 else self.say("in", span=self.span(instant - now))


LANGUAGES = (Language("en", ENGLISH), Language("zh-CN", CHINESE))


def moment(instant: float) -> str:
    """*instant* to the second, in UTC and the same in every language."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(instant: float) -> str:
    """The day of *instant*, in UTC."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d")


def language(accept: str) -> Language:
    """The language that the header Accept-Language prefers of ours; English where it has none of them."""
    wanted = sorted((_wish(part) for part in accept.split(",")), key=lambda wish: -wish[1])
    for tag, quality in wanted:
        for each in LANGUAGES:
            if quality > 0 and tag == each.tag.partition("-")[0]:
                return each
    return LANGUAGES[0]


def _wish(part: str) -> tuple[str, float]:
    """The language and the weight in ``zh-CN;q=0.9``; no weight where it is not a number."""
    tag, _, weight = part.partition(";")
    name, _, number = weight.replace(" ", "").partition("=")
    try:
        quality = float(number) if name == "q" else 1.0
    except ValueError:
        quality = 0.0
    return tag.strip().lower().partition("-")[0], quality
