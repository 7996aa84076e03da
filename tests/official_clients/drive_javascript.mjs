// Drives the official JavaScript client, unmodified: JSON lines in say what to do, JSON lines out what it was told.
// The words are those of drive_python.py, so that one test serves both. Ends when standard input does.
import { createInterface } from 'node:readline'
import { createClient } from '@supabase/supabase-js'

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)
const complain = (...words) => say({ is: 'complaint', text: words.map(String).join(' ') })

console.warn = complain
console.error = complain
process.on('warning', complain)
process.on('unhandledRejection', complain)
process.on('uncaughtException', complain)

let client
let token
const channels = new Map()

const commands = {
  open({ url, key, token: first, heartbeat_s }) {
    token = first
    client = createClient(url, key, {
      accessToken: async () => token, // as an app does whose users sign in elsewhere
      realtime: { heartbeatIntervalMs: heartbeat_s * 1000 },
    })
    say({ is: 'ready' })
  },

  subscribe({ topic, event, filter, presence_key }) {
    const presence = { key: presence_key ?? '', enabled: presence_key !== null }
    const channel = client.channel(topic, { config: { broadcast: { self: true, ack: true }, presence } })
    channels.set(topic, channel)
    if (event !== null) {
      const wanted = { event, schema: 'public', table: 'realtime_events', ...(filter !== null && { filter }) }
      channel.on('postgres_changes', wanted, (change) =>
        say({ is: 'change', topic, type: change.eventType, row: change.new, old: change.old }),
      )
    }
    if (presence_key !== null) {
      channel.on('presence', { event: 'sync' }, () => say({ is: 'present', topic, state: channel.presenceState() }))
    }
    channel.on('system', {}, ({ status, message }) => say({ is: 'system', topic, status, message }))
    channel.on('broadcast', { event: '*' }, ({ event, payload }) => say({ is: 'broadcast', topic, event, payload }))
    channel.subscribe((status, error) => say({ is: 'status', topic, status, why: error ? String(error) : '' }))
  },

  async refresh({ token: next }) {
    token = next
    await client.realtime.setAuth()
  },

  renew({ token: next }) {
    token = next // the client asks for it by itself, with its next heartbeat
  },

  async track({ topic, state }) {
    say({ is: 'answer', to: 'track', status: await channels.get(topic).track(state) })
  },

  async untrack({ topic }) {
    say({ is: 'answer', to: 'untrack', status: await channels.get(topic).untrack() })
  },

  async broadcast({ topic, event, payload }) {
    const status = await channels.get(topic).send({ type: 'broadcast', event, payload })
    say({ is: 'answer', to: 'broadcast', status })
  },

  async leave({ topic }) {
    say({ is: 'answer', to: 'leave', status: await client.removeChannel(channels.get(topic)) })
  },
}

say({ is: 'up' })
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  await commands[command.do](command)
}
process.exit(0)
