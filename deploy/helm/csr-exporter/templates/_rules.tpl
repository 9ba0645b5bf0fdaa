{{- /* Seconds of a duration such as 1h30m. */ -}}
{{- define "csr-exporter.seconds" -}}
{{- $units := dict "d" 86400 "h" 3600 "m" 60 "s" 1 -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9]+[dhms]" (toString .) -1 -}}
{{- $unit := substr (int (sub (len .) 1)) (len .) . -}}
{{- $seconds = add $seconds (mul (trimSuffix $unit . | int) (get $units $unit)) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}

{{- /* Seconds as Prometheus writes a duration, to the millisecond: 1h30m. */ -}}
{{- define "csr-exporter.span" -}}
{{- $left := round (mulf . 1000) 0 | int64 -}}
{{- range list (list "d" 86400000) (list "h" 3600000) (list "m" 60000) (list "s" 1000) (list "ms" 1) -}}
{{- with div $left (last .) -}}{{- . -}}{{- end -}}
{{- if div $left (last .) -}}{{- first . -}}{{- end -}}
{{- $left = mod $left (last .) -}}
{{- end -}}
{{- end -}}

{{- /* The text of a token of files/rules.json: a list of its verb, the value, its factor and what the reference lists. */ -}}
{{- define "csr-exporter.filled" -}}
{{- $verb := index . 0 -}}{{- $value := index . 1 -}}{{- $factor := index . 2 -}}{{- $documented := index . 3 -}}
{{- if eq $verb "text" -}}{{- $value -}}
{{- else if eq $verb "list" -}}{{- join ", " $value -}}
{{- else if eq $verb "either" -}}{{- join "|" $value -}}
{{- else if eq $verb "others" -}}{{- range $value -}}{{- if not (has . $documented) -}}|{{ . }}{{- end -}}{{- end -}}
{{- else -}}
{{- $number := mulf (kindIs "string" $value | ternary (include "csr-exporter.seconds" $value) $value | float64) $factor -}}
{{- if eq $verb "span" -}}{{- include "csr-exporter.span" $number -}}
{{- else if eq $verb "rest" -}}{{- printf "%.6g" (subf 1 $number) -}}
{{- else if eq $verb "bound" -}}{{- $number | lt 999999.5 | ternary (printf "%g" $number) (printf "%.1f" $number) -}}
{{- else -}}{{- printf $verb $number -}}{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The jobs of the exporter, where the name of the release leaves the default behind: the operator calls jobs by it. */ -}}
{{- define "csr-exporter.jobs" -}}
{{- $name := include "csr-exporter.fullname" . -}}
{{- contains "csr-exporter" $name | ternary dict (dict "exporter_jobs" (printf ".*%s.*" $name)) | toJson -}}
{{- end -}}

{{- /* The content of files/rules.json with every threshold filled in, as JSON. */ -}}
{{- define "csr-exporter.rules" -}}
{{- $text := .Files.Get "files/rules.json" -}}
{{- $facts := fromJson $text -}}
{{- $thresholds := merge (include "csr-exporter.jobs" . | fromJson) $facts.defaults -}}
{{- /* One by one, for merge takes a 0 for nothing. */ -}}
{{- range $name, $value := .Values.prometheusRule.thresholds -}}{{- $_ := set $thresholds $name $value -}}{{- end -}}
{{- range regexFindAll "@@[a-z_]+:[^@]+@@" $text -1 | uniq -}}
{{- $parts := trimAll "@" . | splitList ":" -}}
{{- $factor := ternary (index (append $parts "1") 2) "1" (eq (len $parts) 3) | float64 -}}
{{- $value := get $thresholds (first $parts) | default 0 -}}
{{- $filled := include "csr-exporter.filled" (list (index $parts 1) $value $factor $facts.documented_algorithms) -}}
{{- $text = replace . ($filled | toJson | trimPrefix "\"" | trimSuffix "\"") $text -}}
{{- end -}}
{{- $text -}}
{{- end -}}

{{- /* A rule as the user wants it: a list of the rule and of what stands below its name in prometheusRule.alerts. */ -}}
{{- define "csr-exporter.rule" -}}
{{- $rule := deepCopy (first .) -}}{{- $wanted := last . -}}
{{- with $wanted.for -}}{{- $_ := set $rule "for" . -}}{{- end -}}
{{- with $wanted.labels -}}{{- $_ := set $rule "labels" (merge (deepCopy .) $rule.labels) -}}{{- end -}}
{{- with $wanted.severity -}}{{- $_ := set $rule.labels "severity" . -}}{{- end -}}
{{- with $wanted.annotations -}}{{- $_ := set $rule "annotations" (merge (deepCopy .) $rule.annotations) -}}{{- end -}}
{{- list $rule | toYaml -}}
{{- end -}}
