"""The texts of the page in each of its languages, and how numbers, spans and moments are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from csr_exporter.inventory import ADVICE, Reason

DAY = 86_400.0

LONG = 2000
"""Milliseconds; from here on whole seconds are precise enough."""

TEXTS: Mapping[str, tuple[str, str]] = {
    "about": (
        "Certificate signing requests in Huawei Cloud SSL Certificate Manager",
        "华为云 SSL 证书管理中的证书签名请求（CSR）",
    ),
    "trust.sound": ("All numbers are up to date and complete", "所有账号的数据都已更新，且完整无缺"),
    "trust.starting": ("Waiting for the first polls", "正在等待首次轮询"),
    "trust.doubtful": ("Some numbers are out of date or incomplete", "部分数据已过期或不完整"),
    "trust.empty": ("No accounts are polled here", "此处没有需要轮询的账号"),
    "trust.sound.why": (
        "Read in full by the last poll: {trusted:,} of {accounts:,} accounts.",
        "{accounts:,} 个账号中，{trusted:,} 个在最近一次轮询时已完整读取。",
    ),
    "trust.starting.why": (
        "Read in full: {trusted:,} of {accounts:,} accounts. The others have not been polled yet.",
        "{accounts:,} 个账号中，{trusted:,} 个已完整读取，其余尚未轮询。",
    ),
    "trust.doubtful.why": (
        "Up to date and complete: {trusted:,} of {accounts:,} accounts. The others are listed first.",
        "{accounts:,} 个账号中，{trusted:,} 个数据已更新且完整，其余账号排在前面。",
    ),
    "trust.empty.why": (
        "The configuration has {configured:,} accounts, and none of them belongs to this shard.",
        "配置中的 {configured:,} 个账号均不属于此分片。",
    ),
    "alarm.stopped": (
        "Polls have stopped, or one is overdue. Restart the exporter.",
        "轮询已停止，或有账号逾期未轮询。请重启 Exporter。",
    ),
    "alarm.config_rejected": (
        "The new configuration is invalid, so an older one is in force. See the log, or run csr-exporter check.",
        "新配置有误，当前仍使用旧配置。具体错误见日志，也可运行 csr-exporter check 查看。",
    ),
    "as_of": ("As of {moment}", "截至 {moment}"),
    "reload": ("Reload", "刷新"),
    "refresh": ("Refresh every minute", "每分钟自动刷新"),
    "refresh.on": ("Refreshes every {span}", "每 {span}自动刷新"),
    "refresh.stop": ("Stop", "停止"),
    "back": ("All accounts", "全部账号"),
    "state.fresh": ("Up to date", "已更新"),
    "state.failing": ("Failing", "轮询失败"),
    "state.stale": ("Stale", "已过期"),
    "state.never": ("Not polled yet", "尚未轮询"),
    "mark.fresh": ("{number:,} up to date", "{number:,} 已更新"),
    "mark.failing": ("{number:,} failing", "{number:,} 轮询失败"),
    "mark.stale": ("{number:,} stale", "{number:,} 已过期"),
    "mark.never": ("{number:,} not polled yet", "{number:,} 尚未轮询"),
    "mark.incomplete": ("{number:,} incomplete", "{number:,} 不完整"),
    "mark.over_limit": ("{number:,} over limit", "{number:,} 超过上限"),
    "csrs": ("CSRs", "CSR 数量"),
    "counted": ("in {counted:,} of {accounts:,} accounts", "{counted:,} / {accounts:,} 个账号"),
    "listed": ("Records read", "已读取记录"),
    "listed.all": ("none missing", "无缺失"),
    "listed.some": ("some missing", "有缺失"),
    "listed.missing": ("{missing:,} missing", "缺失 {missing:,} 条"),
    "oldest": ("Oldest CSR", "最早的 CSR"),
    "oldest.none": ("no CSRs", "没有 CSR"),
    "oldest.short": ("oldest", "最久"),
    "oldest.least": ("at least {age}", "至少 {age}"),
    "oldest.unread": ("Older CSRs may be among those not read.", "未读取的 CSR 中可能有更早的。"),
    "oldest.since": ("created {moment}", "创建于 {moment}"),
    "changes": ("Changes seen", "发现的变更"),
    "changes.what": ("added, removed, renamed", "新增、删除、重命名"),
    "next_poll": ("Next poll", "下次轮询"),
    "next_in": ("next {until}", "下次：{until}"),
    "last_poll": ("Last poll", "上次轮询"),
    "last_success": ("Last success", "上次成功"),
    "in": ("in {span}", "{span}后"),
    "ago": ("{span} ago", "{span}前"),
    "now": ("now", "现在"),
    "colon": (": ", "："),
    "stop": (". ", "。"),
    "unknown": ("unknown", "未知"),
    "never": ("never", "从未"),
    "by_algorithm": ("By key algorithm", "按密钥算法"),
    "by_age": ("By age", "按存在时长"),
    "algorithm": ("Algorithm", "算法"),
    "algorithm.unknown": ("unknown", "未知"),
    "algorithm.other": ("other", "其他"),
    "owner": ("Owner", "所有者"),
    "rule": ("Breaks", "违反规则"),
    "age": ("Age", "存在时长"),
    "number": ("CSRs", "CSR"),
    "share": ("Share", "占比"),
    "band.first": ("up to {upto}", "不超过 {upto}"),
    "band.between": ("{above} – {upto}", "{above} – {upto}"),
    "band.last": ("over {above}", "超过 {above}"),
    "band.least": ("≥ {number:,}", "≥ {number:,}"),
    "band.unread": ("not read", "未读取"),
    "band.without": (
        "Not included: accounts without current numbers ({number:,}).",
        "未计入没有最新数据的账号（{number:,} 个）。",
    ),
    "band.unknown": ("age unknown", "创建时间未知"),
    "accounts": ("Accounts", "账号"),
    "accounts.same": ("{number:,} accounts", "{number:,} 个账号"),
    "accounts.shown": ("{number:,} of {accounts:,}", "{number:,} / {accounts:,}"),
    "accounts.none": ("No account matches.", "没有符合条件的账号。"),
    "accounts.further": ("Other accounts: {number:,}", "其他账号：{number:,} 个"),
    "account": ("Account", "账号"),
    "state": ("State", "状态"),
    "complete": ("Completeness", "完整性"),
    "complete.yes": ("complete", "完整"),
    "complete.no": ("incomplete", "不完整"),
    "complete.all": ("all {listed:,} were read", "{listed:,} 条已全部读取"),
    "complete.missing": (
        "{missing:,} of {reported:,} were not read: {why}",
        "共 {reported:,} 条，{missing:,} 条未读取：{why}",
    ),
    "complete.unsure": ("{listed:,} were read, but {why}", "已读取 {listed:,} 条，但{why}"),
    "gap.no_total": ("the service does not say how many there are", "服务未返回总数"),
    "gap.changed": (
        "the list changed while it was being read, or some records have no id",
        "读取期间列表有变化，或部分记录没有 id",
    ),
    "gap.offset_ignored": (
        "the service ignores the offset, and filters did not reach the rest",
        "服务忽略 offset，通过过滤条件也未能读到其余记录",
    ),
    "gap.offset_unused": (
        "no offset is used, and filters did not reach the rest",
        "未使用 offset，通过过滤条件也未能读到其余记录",
    ),
    "gap.out_of_reach": (
        "the list changed, or the rest lies beyond max_offset, max_requests_per_poll or poll_timeout",
        "读取期间列表有变化，或其余记录超出 max_offset、max_requests_per_poll 或 poll_timeout 的限制",
    ),
    "complete.more": ("How completeness is proven", "如何证明完整性"),
    "error.failed": ("The last poll failed", "最近一次轮询失败"),
    "error.advice": ("What to do", "处理建议"),
    "error.shown": ("The numbers shown are from {moment}, {ago}.", "当前显示的是 {moment}（{ago}）的数据。"),
    "error.nothing": ("No numbers are shown until a poll succeeds.", "轮询成功后才会显示数据。"),
    "waiting": (
        (
            "No request is sent before {moment} ({in_span}): the service asked for a pause, or refused the credentials "
            "and would lock them. A new secret or a changed account ends the wait."
        ),
        (
            "{moment}（{in_span}）之前不再发送请求：服务要求暂停，或已拒绝凭证，继续尝试会导致凭证被锁定。"
            "更换密钥或修改账号配置后立即恢复。"
        ),
    ),
    "stale": (
        "The last successful poll was {ago}, so its numbers are no longer shown.",
        "最近一次成功轮询在 {ago}，数据已过期，不再显示。",
    ),
    "details": ("Details", "详细信息"),
    "listing": ("Last listing", "上次读取"),
    "listing.took": (
        "requests: {requests:,}; queries: {slices:,}; carried over: {carried:,}",
        "请求 {requests:,} 次，查询条件 {slices:,} 组，沿用上次 {carried:,} 条",
    ),
    "shard": (
        "Shard {index}/{count} polls {here:,} of {accounts:,} configured accounts.",
        "分片 {index}/{count}：轮询已配置的 {accounts:,} 个账号中的 {here:,} 个。",
    ),
    "limit": ("Limit", "上限"),
    "limit.of": ("{reported:,} of at most {limit:,}", "{reported:,}，上限 {limit:,}"),
    "limit.exceeded": (", over the limit of {limit:,}", "，超过上限 {limit:,}"),
    "limit.over": ("{reported:,} CSRs, over the limit of {limit:,}", "{reported:,} 个 CSR，超过上限 {limit:,}"),
    "offset": ("Offsets count", "offset 的含义"),
    "offset.record": ("records", "记录数"),
    "offset.page": ("pages, from 0", "页码，从 0 开始"),
    "offset.page1": ("pages, from 1", "页码，从 1 开始"),
    "offset.ignored": ("nothing: the service ignores them", "无：服务忽略该参数"),
    "offset.untested": ("not tested: one page was enough, or offsets are off", "未检测：只有一页，或未启用"),
    "expires": ("Credentials expire", "凭证到期"),
    "clock": ("Service clock", "服务时钟"),
    "clock.ahead": ("{span} ahead of ours", "比本机快 {span}"),
    "clock.behind": ("{span} behind ours", "比本机慢 {span}"),
    "clock.equal": ("agrees with ours", "与本机一致"),
    "oldest.all": ("Oldest CSRs of all accounts", "全部账号中最早的 CSR"),
    "oldest.ten": ("Oldest CSRs", "最早的 CSR"),
    "name": ("Name", "名称"),
    "domain": ("Domain", "域名"),
    "created": ("Created", "创建时间"),
    "polls": ("Recent polls", "近期轮询"),
    "polls.table": ("Show each poll", "查看每次轮询"),
    "polls.summary": (
        "Polls: {polls:,}; succeeded: {succeeded:,}; failed: {failed:,}",
        "轮询 {polls:,} 次：成功 {succeeded:,} 次，失败 {failed:,} 次",
    ),
    "poll.ended": ("Ended", "结束时间"),
    "poll.result": ("Result", "结果"),
    "poll.succeeded": ("succeeded", "成功"),
    "poll.took": ("Took", "耗时"),
    "poll.requests": ("Requests", "请求数"),
    "poll.title": (
        "{moment}: {result}, {span}, requests: {requests:,}",
        "{moment}：{result}，{span}，请求数 {requests:,}",
    ),
    "any": ("all", "全部"),
    "show": ("Show", "显示"),
    "reset": ("Reset", "重置"),
    "sort": ("Order", "排序"),
    "sort.age": ("oldest first", "最早的在前"),
    "sort.name": ("by name", "按名称"),
    "sort.account": ("by account", "按账号"),
    "older_than": ("Older than", "存在时长超过"),
    "older_than.how": ("A duration such as 90d or 1y", "时长，如 90d 或 1y"),
    "search.csrs": ("Name, domain or id contains", "名称、域名或 ID 包含"),
    "search.changes": ("Name, domain or id contains", "名称、域名或 ID 包含"),
    "domains": ("Domains", "域名"),
    "sans": ("+ {number:,}:", "另 {number:,} 个："),
    "csrs.none": ("No CSR matches.", "没有符合条件的 CSR。"),
    "csrs.incomplete": (
        "Not all CSRs could be read, so some may be missing here. Accounts concerned: {number:,}.",
        "部分 CSR 未能读取，此处可能有缺失。涉及账号：{number:,} 个。",
    ),
    "export": ("Export all", "全部导出"),
    "pages": ("Pages of the table", "表格分页"),
    "page.of": ("Page {page:,} of {pages:,}", "第 {page:,} / {pages:,} 页"),
    "page.first": ("First", "首页"),
    "page.previous": ("Previous", "上一页"),
    "page.next": ("Next", "下一页"),
    "page.last": ("Last", "末页"),
    "page.latest": ("Latest", "最新"),
    "page.older": ("Older", "更早"),
    "change": ("Change", "变更"),
    "change.added": ("added", "新增"),
    "change.removed": ("removed", "删除"),
    "change.renamed": ("renamed", "重命名"),
    "seen_at": ("Seen", "发现时间"),
    "previous_name": ("was", "原名"),
    "changes.none": ("No change matches.", "没有符合条件的变更。"),
    "changes.kept": (
        "What was found different between two complete polls. Who did it, the service does not tell.",
        "两次完整轮询之间发现的差异。操作者是谁，服务并未提供。",
    ),
    "changes.in_memory": (
        "What was found different between two complete polls since startup. --storage.path keeps it over restarts.",
        "启动以来，两次完整轮询之间发现的差异。使用 --storage.path 可在重启后保留。",
    ),
    "changes.failing": (
        "The storage is failing, so changes may be missing here. The log says why and has every change.",
        "存储出现故障，此处可能缺少部分变更。原因及变更记录见日志。",
    ),
    "changes.between": ("within {span}", "在 {span}内"),
    "changes.since": ("Since {moment}.", "自 {moment} 起。"),
    "changes.all": ("Show all", "显示全部"),
    "skip.rows": ("Skip to the table", "跳到表格"),
    "links": ("Pages", "页面"),
    "link.page": ("Status", "状态"),
    "link.csrs": ("CSRs", "CSR 列表"),
    "link.changes": ("Changes", "变更记录"),
    "link.csrs.of": ("All CSRs of this account", "该账号的全部 CSR"),
    "link.changes.of": ("Its changes", "该账号的变更"),
    "link.metrics": ("Metrics", "指标"),
    "link.status": ("status.json", "status.json"),
    "link.config": ("Configuration", "配置"),
    "link.health": ("Health", "健康检查"),
    "link.ready": ("Readiness", "就绪检查"),
    "link.docs": ("Documentation", "文档"),
    "link.runbooks": ("Runbooks", "处理手册"),
    "link.dashboards": ("Dashboards", "仪表盘"),
    "skip": ("Skip to accounts", "跳到账号列表"),
    "reason.unreachable": ("The service cannot be reached", "无法连接服务"),
    "reason.timeout": ("The service did not answer in time", "服务响应超时"),
    "reason.tls": ("The TLS connection could not be verified", "TLS 连接验证失败"),
    "reason.unauthorized": ("The credentials were refused", "凭证被拒绝"),
    "reason.forbidden": ("The credentials are not allowed to list CSRs", "凭证无权查询 CSR 列表"),
    "reason.not_found": ("There is no CSR list at this endpoint", "该终端节点没有 CSR 列表接口"),
    "reason.bad_request": ("The service rejected the query", "服务拒绝了查询请求"),
    "reason.throttled": ("The service is throttling our requests", "请求被服务限流"),
    "reason.server_error": ("The service is failing", "服务内部错误"),
    "reason.malformed_reply": ("The reply was not valid", "服务响应无效"),
    "reason.credentials_unavailable": ("The credentials could not be read", "无法读取凭证"),
    "reason.deadline": ("The poll took too long", "轮询超时"),
    "reason.internal": ("The exporter has a bug", "Exporter 内部错误"),
    "span.less": ("under 1 s", "不到 1 秒"),
    "span.milliseconds": ("{number:,} ms", "{number:,} 毫秒"),
    "span.seconds": ("{number:,} s", "{number:,} 秒"),
    "span.minutes": ("{number:,} min", "{number:,} 分钟"),
    "span.hours": ("{number:,} h", "{number:,} 小时"),
    "span.days": ("{number:,} d", "{number:,} 天"),
}
"""Each in English and in Chinese."""

ADVICE_IN_CHINESE: Mapping[Reason, str] = {
    Reason.UNREACHABLE: "检查终端节点、域名解析、代理和防火墙",
    Reason.TIMEOUT: "检查网络和服务状态；单个请求的时限由 request_timeout 设定",
    Reason.TLS: "检查证书、ca_file，以及链路上是否有设备拦截 TLS",
    Reason.UNAUTHORIZED: "检查密钥、密码或令牌是否正确、是否属于该站点，并检查本机时钟",
    Reason.FORBIDDEN: "为用户或委托授予 scm::listCsr 权限，并检查令牌的作用域",
    Reason.NOT_FOUND: "检查终端节点；并非所有站点都提供 CSR API",
    Reason.BAD_REQUEST: "检查 offset_mode 和 max_offset；服务拒绝了该查询",
    Reason.THROTTLED: "调大 poll_interval 或调小 max_requests_per_second",
    Reason.SERVER_ERROR: "服务出现故障，下次轮询会重试",
    Reason.MALFORMED_REPLY: "检查终端节点是否为 SCM，以及是否由代理代为响应",
    Reason.CREDENTIALS_UNAVAILABLE: "检查提供凭证的文件、环境变量或委托",
    Reason.DEADLINE: "调大 poll_timeout 或 max_requests_per_second",
    Reason.INTERNAL: "这是 Exporter 的缺陷，请附上日志反馈",
}


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the page; *tag* is that of HTML."""

    tag: str
    texts: Mapping[str, str]

    def translate(self, key: str, **values: object) -> str:
        return self.texts[key].format(**values)

    def span(self, seconds: float) -> str:
        """*seconds* in the largest unit of which there are at least two, rounded down."""
        for unit, length in (("days", DAY), ("hours", 3600.0), ("minutes", 60.0)):
            if seconds >= 2 * length:
                return self.translate(f"span.{unit}", number=int(seconds // length))
        return self.translate("span.seconds" if seconds >= 1 else "span.less", number=int(seconds))

    def took(self, seconds: float) -> str:
        """*seconds* of something short, to the millisecond."""
        milliseconds = round(seconds * 1000)
        return self.translate("span.milliseconds", number=milliseconds) if milliseconds < LONG else self.span(seconds)

    def bound(self, seconds: float) -> str:
        """*seconds* of a boundary, exactly."""
        days = seconds / DAY
        exact = days >= 1 and days.is_integer()
        return self.translate("span.days", number=int(days)) if exact else self.span(seconds)

    def ago(self, instant: float, now: float) -> str:
        return self.translate("ago", span=self.span(max(0.0, now - instant)))

    def until(self, instant: float, now: float) -> str:
        return self.texts["now"] if instant < now + 1 else self.translate("in", span=self.span(instant - now))


def _languages() -> tuple[Language, ...]:
    advice = {f"advice.{reason}": (ADVICE[reason], chinese) for reason, chinese in ADVICE_IN_CHINESE.items()}
    texts = {**TEXTS, **advice}
    return tuple(
        Language(tag, {key: each[place] for key, each in texts.items()}) for place, tag in enumerate(("en", "zh-CN"))
    )


LANGUAGES = _languages()


def moment(instant: float) -> str:
    """*instant* to the second, in UTC and the same in every language."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(instant: float) -> str:
    """The day of *instant*, in UTC."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d")


def preferred_language(accept: str) -> Language:
    """The one of ours that the header Accept-Language prefers; English if it names none of them."""
    for tag, weight in sorted(map(_preference, accept.split(",")), key=lambda each: -each[1]):
        for language in LANGUAGES:
            if weight > 0 and tag == language.tag.partition("-")[0]:
                return language
    return LANGUAGES[0]


def _preference(part: str) -> tuple[str, float]:
    """The language and the weight in ``zh-CN;q=0.9``; no weight where it is not a number."""
    tag, _, parameter = part.partition(";")
    name, _, number = parameter.replace(" ", "").partition("=")
    try:
        weight = float(number) if name == "q" else 1.0
    except ValueError:
        weight = 0.0
    return tag.strip().lower().partition("-")[0], weight
