import { reporting } from './rule.ts'

const source = 'k8s-nim-operator internal/webhook/apps/v1alpha1/nimservice_webhook_validation_helper.go'

/** The path that the NIMService webhook's messages begin with. */
export const nimServiceRoot = 'nimservice.spec'

export const nimServiceRefused = reporting({ source, severity: 'refused' })
export const nimServiceWarning = reporting({ source, severity: 'warning' })
