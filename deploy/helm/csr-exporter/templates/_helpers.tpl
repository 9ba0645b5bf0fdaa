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

{{- define "csr-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
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

{{- /* Metadata of an object: takes a list of the root, the end of its name, and a section of the values that may have
labels, annotations and a namespace of its own. */ -}}
{{- define "csr-exporter.metadata" -}}
{{- $root := index . 0 -}}{{- $given := index . 2 -}}
name: {{ include "csr-exporter.fullname" $root }}{{ index . 1 }}
namespace: {{ default (include "csr-exporter.namespace" $root) $given.namespace }}
labels:
  {{- include "csr-exporter.labels" $root | fromYaml | mergeOverwrite dict $root.Values.commonLabels ($given.labels | default dict) | toYaml | nindent 2 }}
{{- with mergeOverwrite dict $root.Values.commonAnnotations ($given.annotations | default dict) }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "csr-exporter.serviceAccount" -}}
{{- default (ternary (include "csr-exporter.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "csr-exporter.image" -}}
{{- with .Values.image -}}
{{- $registry := default .registry ($.Values.global).imageRegistry -}}
{{ with $registry }}{{ . }}/{{ end }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end -}}
{{- end -}}

{{- define "csr-exporter.sharded" -}}
{{- if gt (int .Values.shards) 1 -}}true{{- end -}}
{{- end -}}

{{- /* Pods with names that last: of a shard, or with a volume of their own. */ -}}
{{- define "csr-exporter.stateful" -}}
{{- if or (include "csr-exporter.sharded" .) .Values.persistence.enabled -}}true{{- end -}}
{{- end -}}

{{- define "csr-exporter.encrypted" -}}
{{- if hasKey .Values.web.config "tls_server_config" -}}true{{- end -}}
{{- end -}}

{{- /* Whether the configuration holds a secret itself, or the password of a proxy. */ -}}
{{- define "csr-exporter.secretive" -}}
{{- if regexMatch `"(password|secret_key|security_token|token)":|://[^/"]*@` (toJson .Values.config) -}}true{{- end -}}
{{- end -}}

{{- /* The volume source of the configuration. */ -}}
{{- define "csr-exporter.config" -}}
{{- $own := include "csr-exporter.fullname" . -}}
{{- if .Values.existingConfigMap -}}
configMap: {name: {{ .Values.existingConfigMap }}}
{{- else if or .Values.existingSecret (include "csr-exporter.secretive" .) -}}
secret: {secretName: {{ default (printf "%s-config" $own) .Values.existingSecret }}, defaultMode: 0440}
{{- else -}}
configMap: {name: {{ $own }}}
{{- end -}}
{{- end -}}

{{- /* A sentence for values that contradict each other; the schema checks single values. */ -}}
{{- define "csr-exporter.validate" -}}
{{- $sources := list .Values.config.accounts .Values.existingConfigMap .Values.existingSecret | compact -}}
{{- if not $sources -}}
{{- fail "config.accounts: name at least one account, as in docs/configuration.md" -}}
{{- end -}}
{{- if gt (len $sources) 1 -}}
{{- fail "config, existingConfigMap, existingSecret: expected one of them" -}}
{{- end -}}
{{- if and (include "csr-exporter.sharded" .) (gt (int .Values.replicas) 1) -}}
{{- fail "replicas, shards: expected one of them; two replicas of each shard are two releases" -}}
{{- end -}}
{{- if and .Values.web.config .Values.web.existingSecret -}}
{{- fail "web.config, web.existingSecret: expected one of them" -}}
{{- end -}}
{{- if and (not .Values.web.routePrefix) (regexMatch "--web.(external-url|route-prefix)" (join " " .Values.extraArgs)) -}}
{{- fail "extraArgs: also set web.routePrefix, the prefix of all paths, which monitors and routes follow" -}}
{{- end -}}
{{- end -}}
