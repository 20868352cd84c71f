import { countsOf, type MetricReading, single } from './reading.ts';

/** What is told of connections and of what happened. */
export const serverReadings: readonly MetricReading[] = [
  {
    name: 'authmesh_events_total',
    help: 'What happened, by the name that the log gives it.',
    kind: 'counter',
    labels: ['event'],
    read: ({ noted }) => countsOf('event', noted),
  },
  {
    name: 'authmesh_audited_total',
    help: 'Entries of the audit trail, by what was done.',
    kind: 'counter',
    labels: ['action'],
    read: ({ audited }) => countsOf('action', audited),
  },
  single('gauge', 'authmesh_links', 'Open connections.', ({ counters }) => counters.links),
  single(
    'gauge',
    'authmesh_links_unproven',
    'Connections that have proved nothing yet.',
    ({ counters }) => counters.halfOpen,
  ),
  single(
    'gauge',
    'authmesh_links_unproven_peak',
    'The most of them that there ever were.',
    ({ counters }) => counters.halfOpenPeak,
  ),
  single('counter', 'authmesh_links_total', 'Connections that were accepted.', ({ counters }) => counters.linksTotal),
  single(
    'counter',
    'authmesh_links_turned_away_total',
    'Connections refused because too many had proved nothing.',
    ({ counters }) => counters.turnedAwayTotal,
  ),
  {
    name: 'authmesh_links_closed_total',
    help: 'Connections that this side ended, by reason: a frame that is malformed, out of order or too large among them.',
    kind: 'counter',
    labels: ['reason'],
    read: ({ counters }) => countsOf('reason', Object.entries(counters.closedTotal)),
  },
  single(
    'counter',
    'authmesh_frames_received_total',
    'Frames that came in.',
    ({ counters }) => counters.framesReceivedTotal,
  ),
  single(
    'counter',
    'authmesh_announcements_total',
    'Announcements signed.',
    ({ counters }) => counters.announcementsTotal,
  ),
  single(
    'counter',
    'authmesh_announcement_deliveries_total',
    'Sockets that announcements were written to.',
    ({ counters }) => counters.deliveriesTotal,
  ),
];
