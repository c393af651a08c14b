/** The launcher's commands (seed 2): what the host reports, and what the launcher asks of the host. */
import { NAME_BYTES } from '../../limits.ts';
import { choice, flag, i32, list, OBJECT, text, title, u32, u53 } from './fields.ts';
import { z } from 'zod';
import { seedCommands } from './variants.ts';

const TEXT_BYTES = 4_096;
/** A crowd of screens. */
const MONITORS = 64;

/** Names a window; "" is the host's way to say that it has no label yet. */
export const label = title;
export const windowKind = choice(['full_instance', 'subwindow']);
export const rect = z
  .object({ left: i32, top: i32, right: i32, bottom: i32 }, OBJECT)
  .describe('Right and bottom are outside');
const hwnd = u53;
const sagaId = u53;
const sagaEcho = sagaId.exactOptional().describe('The saga that asked; missing: nobody did');
const sagaOrNone = sagaId.exactOptional().describe('0 or missing: no saga');
const prose = text(0, TEXT_BYTES);

/** host → launcher, and the launcher's snapshot. */
export const WINDOWS_COMMANDS = seedCommands({
  report_window_opened: [
    'A window is open',
    {
      label,
      kind: windowKind,
      parent_label: label.exactOptional().describe('A subwindow has one'),
    },
  ],
  report_window_closed: ['A window is closing', { label }],
  report_pool_window_added: ['A warm window joined the pool', { label, saga_id: sagaEcho }],
  report_pool_window_removed: ['A warm window left the pool', { label }],
  report_host_counts: ['How many windows the host has', { windows: u32, pool: u32 }],
  report_host_pool_count: ['How many warm windows the host has', { count: u32 }],
  report_backend_window_id_registered: [
    'Which window id of srv a window has',
    { label, window_id: text(0, NAME_BYTES) },
  ],
  report_backend_window_id_unregistered: ['A window has no window id of srv any more', { label }],
  report_hwnd_opened: [
    'A native window exists',
    { hwnd, class_name: prose, title: prose, label_hint: label.exactOptional() },
  ],
  report_hwnd_destroyed: ['A native window is gone', { hwnd }],
  report_hwnd_visibility_changed: ['', { hwnd, visible: flag }],
  report_hwnd_foreground_changed: ['', { hwnd }],
  report_hwnd_iconic_changed: ['', { hwnd, iconic: flag }],
  report_hwnd_position_changed: ['', { hwnd, rect }],
  report_monitor_topology_changed: ['All monitors', { rects: list(rect, MONITORS) }],
  get_snapshot: ["The launcher's state", {}],
  report_pool_window_promoted: ['A warm window became visible', { label }],
  report_panes_reaped: ["A closing window's panes are gone", { label, saga_id: sagaEcho }],
  report_pool_drain_decision: [
    'Whether the pool is drained because the last window closed',
    { label, was_last: flag, saga_id: sagaEcho },
  ],
  report_saga_action_failed: ['The host could not do what a saga asked', { saga_id: sagaId, reason: prose }],
});

/** launcher → host. */
export const HOST_COMMANDS = seedCommands({
  spawn_pool_window: ['Add a warm window to the pool', { saga_id: sagaOrNone }],
  reap_panes: ["Reap a closed window's panes", { label, saga_id: sagaOrNone }],
  drain_pool_if_last: ['Drain the pool if the last window closed', { label, saga_id: sagaOrNone }],
});
