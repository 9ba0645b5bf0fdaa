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

{{- /* A duration such as 1h30m, of so many seconds. */ -}}
{{- define "csr-exporter.duration" -}}
{{- $left := int . -}}
{{- range list (list 86400 "d") (list 3600 "h") (list 60 "m") (list 1 "s") -}}
{{- $count := div $left (first .) -}}{{- $left = mod $left (first .) -}}
{{- if $count -}}{{ $count }}{{ last . }}{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The text for a token of files/rules.json: takes a list of its verb, the value, and the documented algorithms. */ -}}
{{- define "csr-exporter.filled" -}}
{{- $verb := index . 0 -}}{{- $value := index . 1 -}}{{- $documented := index . 2 -}}
{{- if eq $verb "either" -}}{{- join "|" $value -}}
{{- else if eq $verb "others" -}}{{- range $value -}}{{- if not (has . $documented) -}}|{{ . }}{{- end -}}{{- end -}}
{{- else if kindIs "slice" $value -}}{{- join ", " $value -}}
{{- else if not (kindIs "string" $value) -}}{{- printf "%.10g" (float64 $value) -}}
{{- else if has $verb (list "seconds" "age") -}}{{- include "csr-exporter.seconds" $value -}}
{{- else if eq $verb "bound" -}}
{{- $seconds := include "csr-exporter.seconds" $value | float64 -}}
{{- $seconds | lt 999999.5 | ternary (printf "%g" $seconds) (printf "%.1f" $seconds) -}}
{{- else -}}{{- $value -}}{{- end -}}
{{- end -}}

{{- /* The exporter's jobs, if its name is not the default: the operator names jobs after it. */ -}}
{{- define "csr-exporter.jobs" -}}
{{- $name := include "csr-exporter.fullname" . -}}
{{- contains "csr-exporter" $name | ternary dict (dict "exporter_jobs" (printf ".*%s.*" $name)) | toJson -}}
{{- end -}}

{{- /* The content of files/rules.json with every threshold filled in, as JSON. */ -}}
{{- define "csr-exporter.rules" -}}
{{- $text := .Files.Get "files/rules.json" -}}
{{- $facts := fromJson $text -}}
{{- $thresholds := merge (include "csr-exporter.jobs" . | fromJson) $facts.defaults -}}
{{- /* One by one: merge would ignore a 0. */ -}}
{{- range $name, $value := .Values.prometheusRule.thresholds -}}{{- $_ := set $thresholds $name $value -}}{{- end -}}
{{- range regexFindAll "@@[a-z_]+:?[a-z]*[0-9]*@@" $text -1 | uniq -}}
{{- $parts := append (trimAll "@" . | splitList ":") "" -}}
{{- $value := hasKey $thresholds (first $parts) | ternary (get $thresholds (first $parts)) 0 -}}
{{- $verb := index $parts 1 | regexFind "[a-z]*" -}}{{- $times := index $parts 1 | trimPrefix $verb | default "1" | int -}}
{{- if gt $times 1 -}}
{{- $value = include "csr-exporter.seconds" $value | int | mul $times | include "csr-exporter.duration" -}}
{{- end -}}
{{- $filled := include "csr-exporter.filled" (list $verb $value $facts.documented_algorithms) -}}
{{- $text = replace . ($filled | toJson | trimPrefix "\"" | trimSuffix "\"") $text -}}
{{- end -}}
{{- $text -}}
{{- end -}}

{{- /* A rule with the user's changes: takes a list of the rule, its entry in prometheusRule.alerts, and the labels and
annotations for all alerts. */ -}}
{{- define "csr-exporter.rule" -}}
{{- $rule := deepCopy (index . 0) -}}{{- $wanted := index . 1 -}}{{- $all := index . 2 -}}
{{- range $name := list "expr" "for" "keep_firing_for" -}}
{{- with get $wanted $name -}}{{- $_ := set $rule $name . -}}{{- end -}}
{{- end -}}
{{- if $rule.alert -}}
{{- $_ := mergeOverwrite $rule.labels $all.extraLabels ($wanted.labels | default dict) -}}
{{- $_ := mergeOverwrite $rule.annotations $all.extraAnnotations ($wanted.annotations | default dict) -}}
{{- with $wanted.severity -}}{{- $_ := set $rule.labels "severity" . -}}{{- end -}}
{{- end -}}
{{- list $rule | toYaml -}}
{{- end -}}
