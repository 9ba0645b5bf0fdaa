{{- define "csr-exporter.pod" -}}
metadata:
  labels:
    {{- include "csr-exporter.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    checksum/config: {{ toJson .Values.config | sha256sum }}
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "csr-exporter.serviceAccount" . }}
  # The exporter never talks to Kubernetes.
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    # Only this group can read the secrets.
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
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
        {{- range .Values.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      {{- with .Values.env }}
      env: {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - {name: metrics, containerPort: 10065}
        - {name: probes, containerPort: 10067}
      livenessProbe:
        httpGet: {path: /-/healthy, port: probes}
        periodSeconds: 10
        timeoutSeconds: 5
      # Ready once each account was polled, even without success: a cloud outage must not keep pods from being scraped.
      readinessProbe:
        httpGet: {path: /-/ready, port: probes}
        periodSeconds: 5
        timeoutSeconds: 5
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      resources: {{- toYaml .Values.resources | nindent 8 }}
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
  volumes:
    - name: config
      configMap:
        name: {{ include "csr-exporter.fullname" . }}
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
  {{- if and (gt (int .Values.replicas) 1) (not .Values.affinity) (not .Values.topologySpreadConstraints) }}
  # Replicas on one node would fail together.
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "csr-exporter.selector" . | nindent 10 }}
  {{- end }}
  {{- range $name := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" }}
  {{- with index $.Values $name }}
  {{ $name }}: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end -}}
