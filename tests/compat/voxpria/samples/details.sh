curl -X GET "https://app.voxpria.com/api/v1/calls/call_xyz789" \
  -H "Authorization: Bearer YOUR_API_KEY"
