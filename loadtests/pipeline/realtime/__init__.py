"""The embedded Realtime: the WebSocket server that tells subscribers about committed rows.

Pure centre (`channels`, `handshake`, `bindings`, `filters`, `claims`, `audiences`, `pgoutput`, `values`), thin
edges (`feed`, `catalog`, `authorizer`, `connection`, `server`). It works from the catalog and the write-ahead
log of any published table and knows nothing of `realtime_events`.
"""
