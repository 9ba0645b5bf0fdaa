{{- define "csr-exporter.pod" -}}
{{- $selector := include "csr-exporter.selector" . -}}
metadata:
  labels: {{- mergeOverwrite dict .Values.commonLabels .Values.podLabels ($selector | fromYaml) | toYaml | nindent 4 }}
  annotations:
    {{- $checksum := dict "checksum/config" (toJson .Values.config | sha256sum) }}
    {{- mergeOverwrite dict .Values.commonAnnotations .Values.podAnnotations $checksum | toYaml | nindent 4 }}
spec:
  serviceAccountName: {{ include "csr-exporter.serviceAccount" . }}
  # The exporter never talks to Kubernetes.
  automountServiceAccountToken: {{ .Values.serviceAccount.automountServiceAccountToken }}
  enableServiceLinks: false
  {{- with concat .Values.imagePullSecrets (($.Values.global).imagePullSecrets | default list) }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.podSecurityContext }}
  securityContext: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: csr-exporter
      image: {{ include "csr-exporter.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - run
        - --config.file=/etc/csr-exporter/config/config.yml
        - --web.listen-address=:10065
        - --web.probe-address=:10067
        {{- if include "csr-exporter.sharded" . }}
        - --shard=auto/{{ int .Values.shards }}
        {{- end }}
        {{- if .Values.persistence.enabled }}
        - --storage.path=/var/lib/csr-exporter/journal
        - --storage.retention={{ .Values.persistence.retention }}
        {{- end }}
        {{- if or .Values.web.config .Values.web.existingSecret }}
        - --web.config.file=/etc/csr-exporter/web/web.yml
        {{- end }}
        {{- with .Values.web.routePrefix }}
        - --web.route-prefix={{ . }}
        {{- end }}
        {{- range .Values.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      {{- range $name := list "env" "envFrom" "livenessProbe" "readinessProbe" "startupProbe" "lifecycle" "securityContext" "resources" }}
      {{- with index $.Values $name }}{{ dict $name . | toYaml | nindent 6 }}{{ end }}
      {{- end }}
      ports:
        - {name: metrics, containerPort: 10065}
        - {name: probes, containerPort: 10067}
      volumeMounts:
        - {name: config, mountPath: /etc/csr-exporter/config, readOnly: true}
        - {name: secrets, mountPath: /etc/csr-exporter/secrets, readOnly: true}
        {{- if .Values.persistence.enabled }}
        - {name: journal, mountPath: /var/lib/csr-exporter}
        {{- end }}
        {{- if or .Values.web.config .Values.web.existingSecret }}
        - {name: web, mountPath: /etc/csr-exporter/web, readOnly: true}
        {{- end }}
        {{- if .Values.web.tlsSecret }}
        - {name: tls, mountPath: /etc/csr-exporter/tls, readOnly: true}
        {{- end }}
        {{- with .Values.extraVolumeMounts }}{{ toYaml . | nindent 8 }}{{ end }}
    {{- with .Values.extraContainers }}{{ toYaml . | nindent 4 }}{{ end }}
  volumes:
    - name: config
      {{- include "csr-exporter.config" . | nindent 6 }}
    - name: secrets
      projected:
        defaultMode: 0440
        sources:
          {{- if .Values.secrets.create }}
          - secret: {name: {{ include "csr-exporter.fullname" . }}}
          {{- end }}
          {{- range .Values.secrets.existing }}
          - secret: {name: {{ . }}}
          {{- end }}
          {{- if not (or .Values.secrets.create .Values.secrets.existing) }} []{{ end }}
    {{- if or .Values.web.config .Values.web.existingSecret }}
    - name: web
      secret:
        secretName: {{ default (printf "%s-web" (include "csr-exporter.fullname" .)) .Values.web.existingSecret }}
        defaultMode: 0440
    {{- end }}
    {{- with .Values.web.tlsSecret }}
    - name: tls
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
    {{- with .Values.extraVolumes }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- if and (gt (int .Values.replicas) 1) (not .Values.affinity) (not .Values.topologySpreadConstraints) }}
  # Replicas on one node would fail together.
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels: {{- $selector | nindent 16 }}
  {{- end }}
  {{- range $name := list "initContainers" "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" "runtimeClassName" "terminationGracePeriodSeconds" "dnsPolicy" "dnsConfig" "hostAliases" "hostNetwork" }}
  {{- with index $.Values $name }}{{ dict $name . | toYaml | nindent 2 }}{{ end }}
  {{- end }}
  {{- if not (kindIs "invalid" .Values.hostUsers) }}
  hostUsers: {{ .Values.hostUsers }}
  {{- end }}
{{- end -}}
