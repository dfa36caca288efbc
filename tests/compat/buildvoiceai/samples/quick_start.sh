curl -X POST https://app.buildvoiceai.com/api/v1/calls/trigger \
  -H "Authorization: Bearer your_api_key_here" \
  -H "Content-Type: application/json" \
  -d '{ "phone_number": "+15551234567", "agent_id": "your-agent-uuid" }'
