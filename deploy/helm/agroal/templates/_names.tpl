{{- define "agroal.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}

{{- define "agroal.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "agroal.labels" -}}
{{ include "agroal.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* The Secret with the vault; empty when there is none. */ -}}
{{- define "agroal.secret" -}}
{{- if .Values.users.existingSecret }}{{ .Values.users.existingSecret }}
{{- else if and .Values.users.masterKey .Values.users.file }}{{ include "agroal.name" . }}
{{- else if or .Values.users.masterKey .Values.users.file }}{{ fail "users.masterKey and users.file belong together: give both, or existingSecret" }}
{{- end }}
{{- end }}

{{- /* A value of agroal.conf: a boolean is on or off, a number is written out, and a text stands in quotes. */ -}}
{{- define "agroal.value" -}}
{{- if kindIs "bool" . }}{{ ternary "on" "off" . }}
{{- else if kindIs "string" . }}{{ if contains "\"" . }}'{{ . }}'{{ else }}"{{ . }}"{{ end }}
{{- else }}{{ . | int64 }}
{{- end }}
{{- end }}
