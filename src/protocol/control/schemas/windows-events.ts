/** Committed facts of the launcher: windows, pool, drift and sagas (seed 2). */
import { z } from 'zod';
import { choice, id, u32, u53 } from './fields.ts';
import { seedEvents } from './variants.ts';
import { label, rect, windowKind } from './windows.ts';
import { flag } from './fields.ts';

const hwnd = u53;
const saga_id = u53;
const sagaEcho = u53.nullable().describe('Null: no saga asked for it');
const string = z.string();

export const WINDOWS_EVENTS = seedEvents({
  window_opened: ['', { label, kind: windowKind, parent_label: label.nullable() }],
  window_closed: ['', { label, crash_detected: flag }],
  window_instance_assigned: ['', { label, num: u32 }],
  window_instance_released: ['', { label, num: u32 }],
  backend_window_id_registered: ['', { label, window_id: string }],
  backend_window_id_unregistered: ['', { label, window_id: string }],
  pool_window_added: ['', { label, saga_id: sagaEcho }],
  pool_window_removed: ['', { label }],
  pool_window_promoted: ['', { label }],
  panes_reaped: ['', { label, saga_id: sagaEcho }],
  pool_drained: ['The last window closed; the pool is drained', { label, saga_id: sagaEcho }],
  pool_not_last: ['Other windows are open; the pool stays', { label, saga_id: sagaEcho }],
  drift_detected: [
    'Host and launcher count differently',
    { kind: choice(['windows', 'pool']), host_count: u32, mirror_count: u32 },
  ],
  hwnd_drift_detected: [
    'A window is not what it should be',
    {
      kind: choice([
        'browser_without_hwnd',
        'hwnd_without_browser',
        'hidden_since_open',
        'off_monitor',
        'orphan_destroy',
        'lingering_hwnd',
        'orphan_instance',
      ]),
      label: label.nullable(),
      hwnd: hwnd.nullable(),
      detail: string,
      severity: choice(['info', 'warn', 'error']),
    },
  ],
  corrective_window_move: ['', { hwnd, target_rect: rect, reason: string }],
  host_should_quit: ['Advice: the host looks again first', {}],
});

export const SAGA_EVENTS = seedEvents({
  saga_started: ['', { saga_id, name: id }],
  saga_completed: ['', { saga_id }],
  saga_failed: ['', { saga_id, reason: string }],
  saga_action_failed: ['The host could not do what the saga asked', { saga_id, reason: string }],
});
