curl -X POST "https://app.voxpria.com/api/v1/calls" \
  -H "Authorization: Bearer YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "agentId": "agent_abc123",
    "toNumber": "+14155551234",
    "variables": {
      "customerName": "John Doe",
      "accountNumber": "12345"
    }
  }'
