import { buildConditions } from './build-conditions.ts'
import { cacheConditions } from './cache-conditions.ts'
import type { ConditionRule } from './condition-rule.ts'
import { serviceConditions } from './service-conditions.ts'

/** In this order: the first that fits a condition says what it means. */
export const conditionRules: readonly ConditionRule[] = [...cacheConditions, ...buildConditions, ...serviceConditions]
