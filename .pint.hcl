# pint (https://cloudflare.github.io/pint) over the rules: pint --offline --config .pint.hcl lint --min-severity=info --fail-on=info deploy/prometheus/csr-exporter.rules.yml

# Users choose the job's name: a release, service or namespace may come before or after ours.
check "promql/regexp" {
  smelly = false
}

rule {
  match {
    kind = "alerting"
  }
  annotation "summary" {
    severity = "bug"
    required = true
  }
  annotation "description" {
    severity = "bug"
    required = true
  }
  annotation "runbook_url" {
    severity = "bug"
    value    = "https://github.com/csr-exporter/csr-exporter/blob/main/docs/runbooks/{{ $alert }}.md"
    required = true
  }
  annotation "dashboard_url" {
    severity = "bug"
    required = true
  }
  label "severity" {
    severity = "bug"
    value    = "critical|warning|info"
    required = true
  }
  label "concern" {
    severity = "bug"
    value    = "hygiene|trust|access|exporter"
    required = true
  }
}
