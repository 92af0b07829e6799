import { TsctrError } from '../../errors.ts'
import type { DeviceRule } from '../config.ts'

/**
 * Which devices may be used, in the kernel's own form: `c 1:3 rwm`, `b 8:* r`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --device-cgroup-rule; linux/Documentation/admin-guide/cgroup-v1/devices.rst
 */
export function parseDeviceRule(text: string): DeviceRule {
  const [, type, major, minor, access] = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text) ?? []
  if (type === undefined || access === undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a rule for devices`, {
      hint: 'like "c 1:3 rwm" or "b 8:* r": type a, b or c, major:minor or *, then of r, w, m',
    })
  }
  return {
    type: type as DeviceRule['type'],
    major: deviceNumber(major),
    minor: deviceNumber(minor),
    access,
  }
}

function deviceNumber(text = '*'): number | undefined {
  return text === '*' ? undefined : Number(text)
}
