{{- define "csr-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "csr-exporter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "csr-exporter.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Each kind has its own name: an upgrade could not turn one into the other. */ -}}
{{- define "csr-exporter.service" -}}
{{- include "csr-exporter.fullname" . }}{{ if include "csr-exporter.sharded" . }}-shards{{ end }}
{{- end -}}

{{- define "csr-exporter.selector" -}}
app.kubernetes.io/name: {{ include "csr-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "csr-exporter.labels" -}}
{{ include "csr-exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "csr-exporter.metadata" -}}
name: {{ include "csr-exporter.fullname" . }}
namespace: {{ .Release.Namespace }}
labels: {{- include "csr-exporter.labels" . | nindent 2 }}
{{- end -}}

{{- define "csr-exporter.serviceAccount" -}}
{{- default (ternary (include "csr-exporter.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "csr-exporter.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end -}}
{{- end -}}

{{- define "csr-exporter.sharded" -}}
{{- if gt (int .Values.shards) 1 -}}true{{- end -}}
{{- end -}}

{{- /* Pods with names that last: of a shard, or with a volume of their own. */ -}}
{{- define "csr-exporter.stateful" -}}
{{- if or (include "csr-exporter.sharded" .) .Values.persistence.enabled -}}true{{- end -}}
{{- end -}}

{{- /* A sentence for values that contradict each other; the schema checks single values. */ -}}
{{- define "csr-exporter.validate" -}}
{{- if not .Values.config.accounts -}}
{{- fail "config.accounts: name at least one account, as in docs/configuration.md" -}}
{{- end -}}
{{- if and (include "csr-exporter.sharded" .) (gt (int .Values.replicas) 1) -}}
{{- fail "replicas, shards: expected one of them; two replicas of each shard are two releases" -}}
{{- end -}}
{{- if and .Values.web.config .Values.web.existingSecret -}}
{{- fail "web.config, web.existingSecret: expected one of them" -}}
{{- end -}}
{{- end -}}
